package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/nself-chat/hub"
)

func scanMember(row scanner) (m hub.Member, err error) {
	meta := userMeta{Kind: hub.UserHuman, Role: hub.RoleMember}
	u := &m.User
	err = row.Scan(&m.ChannelID, &m.Role, into(&m.JoinedAt), &u.ID, &u.Email, &u.DisplayName, orEmpty(&u.Username),
		orEmpty(&u.AvatarURL), &u.Status, asJSON(&meta), into(&u.CreatedAt), into(&u.UpdatedAt))
	u.Kind, u.Role = meta.Kind, meta.Role
	return m, err
}

const memberColumns = `x.channel_id, x.role, x.joined_at, ` + userColumns

// memberTables are joined for memberColumns.
const memberTables = `nchat_channel_members x JOIN nchat_users u ON u.id = x.user_id`

// Members returns at most limit members of the channel with a user id above
// after, by user id.
func (s *Store) Members(ctx context.Context, channel hub.ChannelID, after hub.UserID, limit int) ([]hub.Member, error) {
	return list(ctx, s.readers, scanMember, `SELECT `+memberColumns+` FROM `+memberTables+`
		WHERE x.channel_id = $1 AND x.user_id > $2 ORDER BY x.user_id LIMIT $3`, string(channel), from(after), limit)
}

// IsMember reports whether the user is a member of the channel.
func (s *Store) IsMember(ctx context.Context, channel hub.ChannelID, user hub.UserID) (bool, error) {
	return isMember(ctx, s.readers, channel, user)
}

func isMember(ctx context.Context, q querier, channel hub.ChannelID, user hub.UserID) (found bool, err error) {
	err = each(ctx, q, func(row scanner) error { return row.Scan(&found) },
		`SELECT EXISTS (SELECT 1 FROM nchat_channel_members WHERE channel_id = $1 AND user_id = $2)`, string(channel), string(user))
	return found, err
}

// ChannelsOf returns the channels that the user is a member of.
func (s *Store) ChannelsOf(ctx context.Context, user hub.UserID) ([]hub.ChannelID, error) {
	return list(ctx, s.readers, scanChannelID, `SELECT channel_id FROM nchat_channel_members WHERE user_id = $1`, string(user))
}

// AddMember makes m.User a member of the channel. A user who is one already
// gets the role and nothing is published: added is false then, and m.JoinedAt
// becomes what it was. check is asked about the membership as it is then, nil
// when there is none, and its error refuses; it may be nil.
func (s *Store) AddMember(ctx context.Context, m *hub.Member, check func(*hub.Member) error, routings ...hub.Routing) (
	added bool, err error,
) {
	err = s.changeRouted(ctx, routings, func(t *tx) error {
		added = false
		if err := t.checkMember(m.ChannelID, m.User.ID, check); err != nil {
			return err
		}
		if _, err := channel(context.Background(), t, m.ChannelID); err != nil {
			return err
		}
		_, err := one(context.Background(), t, "user", scanUser,
			`SELECT `+userColumns+` FROM nchat_users u WHERE u.id = $1`, string(m.User.ID))
		if err != nil {
			return err
		}
		n, err := t.exec(`UPDATE nchat_channel_members SET role = $3 WHERE channel_id = $1 AND user_id = $2`,
			string(m.ChannelID), string(m.User.ID), string(m.Role))
		if err != nil {
			return err
		}
		if n > 0 {
			return each(context.Background(), t, func(row scanner) error { return row.Scan(into(&m.JoinedAt)) },
				`SELECT joined_at FROM nchat_channel_members WHERE channel_id = $1 AND user_id = $2`, string(m.ChannelID), string(m.User.ID))
		}
		if err := t.insertMember(m.ChannelID, m.User.ID, m.Role, at(m.JoinedAt)); err != nil {
			return err
		}
		added = true
		return t.publishAll(routings)
	})
	return added && err == nil, err
}

// checkMember asks check about a membership.
func (t *tx) checkMember(channel hub.ChannelID, user hub.UserID, check func(*hub.Member) error) error {
	if check == nil {
		return nil
	}
	m, err := one(context.Background(), t, "member", scanMember, `SELECT `+memberColumns+` FROM `+memberTables+`
		WHERE x.channel_id = $1 AND x.user_id = $2`, string(channel), string(user))
	switch {
	case isNotFound(err):
		return check(nil)
	case err != nil:
		return err
	}
	return check(&m)
}

// insertMember adds a membership and counts it.
func (t *tx) insertMember(channel hub.ChannelID, user hub.UserID, role hub.Role, joined Time) error {
	err := t.later(`INSERT INTO nchat_channel_members (id, channel_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4, $5)`,
		pairID(string(channel), string(user)), string(channel), string(user), string(role), joined)
	if err != nil {
		return err
	}
	return t.later(`UPDATE nchat_channels SET member_count = coalesce(member_count, 0) + 1 WHERE id = $1`, string(channel))
}

// RemoveMember ends a membership; removed is false when there was none, and
// nothing is published then. check is as in AddMember.
func (s *Store) RemoveMember(ctx context.Context, channel hub.ChannelID, user hub.UserID, check func(*hub.Member) error,
	routings ...hub.Routing,
) (removed bool, err error) {
	err = s.changeRouted(ctx, routings, func(t *tx) error {
		removed = false
		if err := t.checkMember(channel, user, check); err != nil {
			return err
		}
		n, err := t.exec(`DELETE FROM nchat_channel_members WHERE channel_id = $1 AND user_id = $2`, string(channel), string(user))
		if err != nil || n == 0 {
			return err
		}
		removed = true
		err = t.later(`UPDATE nchat_channels SET member_count = member_count - 1 WHERE id = $1`, string(channel))
		if err != nil {
			return err
		}
		return t.publishAll(routings)
	})
	return removed && err == nil, err
}

// pairID makes the id of a row that stands for a relation: a UUIDv8 (RFC 9562
// §5.8) of what it relates. Such rows are never addressed by it.
func pairID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	sum := h.Sum(nil)[:16]
	sum[6] = 0x80 | sum[6]&0x0f
	sum[8] = 0x80 | sum[8]&0x3f
	text := hex.EncodeToString(sum)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
