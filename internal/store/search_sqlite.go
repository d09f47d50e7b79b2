package store

import (
	"strings"

	"github.com/nself-chat/hub"
)

// fts5 asks nchat_message_search on SQLite: a contentless table of FTS5, which
// keeps words under the rowid of their message and so in the order of their ages.
var fts5 = []textIndex{{
	tables: `nchat_message_search s JOIN nchat_messages m ON m.rowid = s.rowid`,
	match: `nchat_message_search MATCH $1
		AND s.rowid < coalesce((SELECT rowid FROM nchat_messages WHERE id >= $3 ORDER BY id LIMIT 1), 9223372036854775807)`,
	newest: `s.rowid DESC`,
	query:  matchQuery,
}}

// matchQuery writes words as strings of an FTS5 query (SQLite FTS5 §3.1), and
// with prefix the last one as a beginning (§3.3).
func matchQuery(words []string, prefix bool) string {
	text := `"` + strings.Join(words, `" "`) + `"`
	if prefix {
		text += "*"
	}
	return text
}

// insertLastEntry indexes the message that was the last row to be inserted.
func (t *tx) insertLastEntry(words []string) error {
	return t.later(`INSERT INTO nchat_message_search (rowid, content) VALUES (last_insert_rowid(), $1)`, strings.Join(words, " "))
}

func (t *tx) insertEntry(id hub.MessageID, words []string) error {
	return t.later(`INSERT INTO nchat_message_search (rowid, content) VALUES ((SELECT rowid FROM nchat_messages WHERE id = $1), $2)`,
		string(id), strings.Join(words, " "))
}

func (t *tx) deleteEntry(id hub.MessageID) error {
	return t.later(`DELETE FROM nchat_message_search WHERE rowid = (SELECT rowid FROM nchat_messages WHERE id = $1)`, string(id))
}
