package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
)

// Search returns at most limit messages that contain all terms, the last one
// as the beginning of a word, newest first, among those older than before
// ("": all) in channels that the viewer sees (as in Channels). Terms are
// words, never query syntax; no terms find nothing.
func (s *Store) Search(ctx context.Context, terms []string, viewer hub.UserID, all bool, only []hub.ChannelID,
	before hub.MessageID, limit int,
) ([]hub.Message, error) {
	if len(terms) == 0 {
		return nil, nil
	}
	where, args := visible(viewer, all, only, []any{matchQuery(terms), limit})
	if before != "" {
		args = append(args, string(before))
		where += ` AND s.rowid < (SELECT rowid FROM nchat_messages WHERE id = $` + strconv.Itoa(len(args)) + `)`
	}
	page, err := list(ctx, s.readers, scanMessage, `SELECT `+messageColumns+` FROM nchat_message_search s
		JOIN nchat_messages m ON m.rowid = s.rowid JOIN nchat_channels c ON c.id = m.channel_id
		LEFT JOIN nchat_users u ON u.id = m.user_id
		WHERE nchat_message_search MATCH $1 AND m.is_deleted = 0`+where+` ORDER BY s.rowid DESC LIMIT $2`, args...)
	if err != nil {
		return nil, err
	}
	return page, s.complete(ctx, page)
}

// matchQuery writes terms as an FTS5 query: each a string (SQLite FTS5 §3.1:
// in double quotes, double quotes in it doubled), the last one a prefix (§3.3).
// NUL would end the query's text.
func matchQuery(terms []string) string {
	quote := strings.NewReplacer(`"`, `""`, "\x00", " ")
	var b strings.Builder
	for i, term := range terms {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('"')
		b.WriteString(quote.Replace(term))
		b.WriteByte('"')
	}
	b.WriteByte('*')
	return b.String()
}
