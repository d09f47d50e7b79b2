package store

import (
	"strings"

	"github.com/nself-chat/hub"
)

// tsearch asks nchat_message_search on Postgres: a tsvector for each message,
// under a GIN index. The vectors are made of the hub's words and the queries
// written in them, so that no parser, dictionary or locale of the database has a
// say in what is found.
//
// The index cannot tell what is new: it is asked for every message with the
// words, which is much for those that are in many. Such are found among the
// newest messages, which are therefore looked through first. What the planner
// believes of words does not matter: OFFSET 0 keeps each step to itself.
var tsearch = []textIndex{
	{
		tables: `(SELECT message_id, words FROM nchat_message_search WHERE message_id < $3 ORDER BY message_id DESC LIMIT 2000) s` +
			eachMessage,
		match:  `s.words @@ $1::tsquery`,
		newest: `s.message_id DESC`,
		query:  tsQuery,
	},
	{
		tables: `(SELECT message_id FROM nchat_message_search WHERE words @@ $1::tsquery AND message_id < $3
			ORDER BY message_id DESC OFFSET 0) s` + eachMessage,
		match:  `TRUE`,
		newest: `s.message_id DESC`,
		query:  tsQuery,
	},
}

// eachMessage leads from s to the messages, one by one until there are enough.
const eachMessage = ` CROSS JOIN LATERAL (SELECT * FROM nchat_messages x WHERE x.id = s.message_id OFFSET 0) m`

// tsQuery writes words as a tsquery ("Text Search Types" of Postgres' manual):
// each quoted, all of them wanted, with prefix the last one as a beginning.
func tsQuery(words []string, prefix bool) string {
	text := "'" + strings.Join(words, "' & '") + "'"
	if prefix {
		text += ":*"
	}
	return text
}

const insertVectorQuery = `INSERT INTO nchat_message_search (message_id, words) VALUES ($1, array_to_tsvector($2::text[]))`

func (t *tx) insertVector(id hub.MessageID, words []string) error {
	return t.later(insertVectorQuery, string(id), words)
}

func (t *tx) deleteVector(id hub.MessageID) error {
	return t.later(`DELETE FROM nchat_message_search WHERE message_id = $1`, string(id))
}
