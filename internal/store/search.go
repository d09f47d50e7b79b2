package store

import (
	"context"
	"strings"

	"github.com/nself-chat/hub"
)

// textIndex is how one database is asked for the messages that contain words. In
// its statements $1 is what query returns, $2 how many messages are wanted and
// $3 the message that they have to be older than.
type textIndex struct {
	tables string // the index s, and the messages m that it leads to
	match  string // the condition on s
	newest string // the order of s by age, newest first
	// query writes words, with prefix the last one as a beginning, in the
	// database's language of queries. Words hold letters, digits and marks only.
	query func(words []string, prefix bool) string
}

// Search returns at most limit messages that contain the words of all terms,
// with prefix the last one as the beginning of a word, newest first, among those
// older than before ("": all) in channels that the viewer sees (as in Channels).
// Terms are no query syntax; without a word in them they find nothing. The index
// knows beginnings of two and three letters; a prefix of one letter would read
// all of it.
func (s *Store) Search(ctx context.Context, terms []string, prefix bool, viewer hub.UserID, all bool, only []hub.ChannelID,
	before hub.MessageID, limit int,
) (page []hub.Message, err error) {
	found := foundBy(strings.Join(terms, " "))
	if len(found) == 0 {
		return nil, nil
	}
	indexes := fts5
	if s.onPostgres() {
		indexes = tsearch
	}
	for _, index := range indexes {
		where, args := visible(viewer, all, only, []any{index.query(found, prefix), limit, upTo(before)})
		page, err = list(ctx, s.readers, scanMessage, `SELECT `+messageColumns+` FROM `+index.tables+`
			`+messageJoins+` WHERE `+index.match+` AND NOT m.is_deleted`+where+` ORDER BY `+index.newest+` LIMIT $2`, args...)
		if err != nil {
			return nil, err
		}
		if len(page) == limit {
			break
		}
	}
	return page, s.complete(ctx, page)
}

// indexNew makes the message that was inserted last found by a text.
func (t *tx) indexNew(id hub.MessageID, text string) error {
	found := foundBy(text)
	if len(found) == 0 {
		return nil
	}
	if t.onPostgres() {
		return t.insertVector(id, found)
	}
	return t.insertLastEntry(found)
}

// index replaces what a message is found by; "" is nothing.
func (t *tx) index(id hub.MessageID, text string) error {
	remove, insert := t.deleteEntry, t.insertEntry
	if t.onPostgres() {
		remove, insert = t.deleteVector, t.insertVector
	}
	found := foundBy(text)
	if err := remove(id); err != nil || len(found) == 0 {
		return err
	}
	return insert(id, found)
}
