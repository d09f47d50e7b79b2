package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/nself-chat/hub"
)

// textIndex is how one database is asked for the messages that contain words.
type textIndex struct {
	tables string // the index s, and the messages m that it leads to
	match  string // the condition on s that it contains what query returns, $1
	before string // the condition on s to be older than a message, the parameter %d
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
) ([]hub.Message, error) {
	found := words(strings.Join(terms, " "))
	if len(found) == 0 {
		return nil, nil
	}
	text, args := s.searchQuery(found, prefix, viewer, all, only, before, limit)
	page, err := list(ctx, s.readers, scanMessage, text, args...)
	if err != nil {
		return nil, err
	}
	return page, s.complete(ctx, page)
}

func (s *Store) searchQuery(words []string, prefix bool, viewer hub.UserID, all bool, only []hub.ChannelID,
	before hub.MessageID, limit int,
) (text string, args []any) {
	index := &fts5
	if s.onPostgres() {
		index = &tsearch
	}
	where, args := visible(viewer, all, only, []any{index.query(words, prefix), limit})
	if before != "" {
		args = append(args, string(before))
		where += ` AND ` + fmt.Sprintf(index.before, len(args))
	}
	return `SELECT ` + messageColumns + ` FROM ` + index.tables + ` JOIN nchat_channels c ON c.id = m.channel_id
		LEFT JOIN nchat_users u ON u.id = m.user_id
		WHERE ` + index.match + ` AND NOT m.is_deleted` + where + ` ORDER BY ` + index.newest + ` LIMIT $2`, args
}

// indexNew makes the message that was inserted last found by a text.
func (t *tx) indexNew(id hub.MessageID, text string) error {
	found := words(text)
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
	found := words(text)
	if err := remove(id); err != nil || len(found) == 0 {
		return err
	}
	return insert(id, found)
}
