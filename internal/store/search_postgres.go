package store

import (
	"strings"

	"github.com/nself-chat/hub"
)

// tsearch asks nchat_message_search on Postgres: a tsvector for each message,
// under a GIN index. The vectors are made of the hub's words and the queries
// written in them, so that no parser, dictionary or locale of the database has a
// say in what is found.
var tsearch = textIndex{
	tables: `nchat_message_search s JOIN nchat_messages m ON m.id = s.message_id`,
	match:  `s.words @@ $1::tsquery`,
	before: `s.message_id < $%d`,
	newest: `s.message_id DESC`,
	query:  tsQuery,
}

// tsQuery writes words as a tsquery ("Text Search Types" of Postgres' manual):
// each quoted, all of them wanted, with prefix the last one as a beginning.
func tsQuery(words []string, prefix bool) string {
	text := "'" + strings.Join(words, "' & '") + "'"
	if prefix {
		text += ":*"
	}
	return text
}

func (t *tx) insertVector(id hub.MessageID, words []string) error {
	return t.later(`INSERT INTO nchat_message_search (message_id, words) VALUES ($1, array_to_tsvector($2::text[]))`, string(id), words)
}

func (t *tx) deleteVector(id hub.MessageID) error {
	return t.later(`DELETE FROM nchat_message_search WHERE message_id = $1`, string(id))
}
