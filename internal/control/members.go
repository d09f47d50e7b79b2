package control

import (
	"context"

	"github.com/nself-chat/hub"
)

// Members returns a page of a channel's members and the cursor of the next.
func (s *Service) Members(ctx context.Context, a hub.Actor, id hub.ChannelID, cursor string, limit int) ([]hub.Member, string, error) {
	if _, err := s.Channel(ctx, a, id); err != nil {
		return nil, "", err
	}
	return s.Chat.Members(ctx, id, cursor, limit)
}

// Member returns a user's membership of a channel.
func (s *Service) Member(ctx context.Context, a hub.Actor, id hub.ChannelID, user hub.UserID) (hub.Member, error) {
	if _, err := s.Channel(ctx, a, id); err != nil {
		return hub.Member{}, err
	}
	m, ok, err := s.membership(ctx, id, user)
	if err != nil {
		return hub.Member{}, err
	}
	if !ok {
		return hub.Member{}, hub.Errorf(hub.NotFound, "The user is not a member of this channel.")
	}
	return m, nil
}

// membership reads one membership. Lists of members go by user id, so the first
// behind the id that comes just before the user's is the user, or none is.
func (s *Service) membership(ctx context.Context, id hub.ChannelID, user hub.UserID) (hub.Member, bool, error) {
	if !hub.ValidID(string(user)) {
		return hub.Member{}, false, nil
	}
	next, _, err := s.Chat.Members(ctx, id, justBefore(string(user)), 1)
	if err != nil || len(next) == 0 || next[0].User.ID != user {
		return hub.Member{}, false, err
	}
	return next[0], true, nil
}

// justBefore returns the id that sorts directly before one; for an id of zeros,
// which has none, the id of all f.
func justBefore(id string) string {
	digits := []byte(id)
	for i := len(digits) - 1; i >= 0; i-- {
		switch digits[i] {
		case '-':
		case '0':
			digits[i] = 'f'
		case 'a':
			digits[i] = '9'
			return string(digits)
		default:
			digits[i]--
			return string(digits)
		}
	}
	return string(digits)
}

// SetMember makes a user a member of a channel, or gives a member another
// role. Everybody may join a public channel as a member; the rest is for those
// who manage it. ifMatch is the version the change was made on; "" is any, also
// none.
func (s *Service) SetMember(ctx context.Context, a hub.Actor, id hub.ChannelID, user hub.UserID, role hub.Role, ifMatch string) (
	hub.Member, error,
) {
	if err := allow(a, writeChat); err != nil {
		return hub.Member{}, err
	}
	c, err := s.channel(ctx, a, id)
	if err != nil {
		return hub.Member{}, err
	}
	joins := user == a.UserID && c.Type == hub.ChannelPublic && (role == "" || role == hub.RoleMember)
	if !joins {
		if _, err := s.managed(ctx, a, id); err != nil {
			return hub.Member{}, err
		}
	}
	if err := s.intake(); err != nil {
		return hub.Member{}, err
	}
	var before *hub.Member
	m, err := s.Chat.AddMember(ctx, id, user, role, checkMember(ifMatch, &before), cause(ctx, a))
	if err != nil {
		return hub.Member{}, err
	}
	if before == nil || before.Role != m.Role {
		s.audit(ctx, a, "member.set", string(id), memberFacts(before), memberFacts(&m))
	}
	// Read again: who was a member before keeps the day of joining.
	if kept, ok, err := s.membership(ctx, id, user); err == nil && ok {
		m = kept
	}
	return m, nil
}

// memberFacts is what the audit log keeps of a membership, nothing of none.
func memberFacts(m *hub.Member) any {
	if m == nil {
		return nil
	}
	return map[string]any{"userId": m.User.ID, "role": m.Role}
}

// checkMember holds the membership that a change finds against ifMatch, and puts
// it in *before, nil when there is none.
func checkMember(ifMatch string, before **hub.Member) func(*hub.Member) error {
	return func(found *hub.Member) error {
		*before = found
		if found == nil {
			return matches(ifMatch, "")
		}
		return matches(ifMatch, MemberVersion(found))
	}
}

// RemoveMember ends a membership. Everybody may leave; the rest is for those
// who manage the channel. ifMatch is as in SetMember.
func (s *Service) RemoveMember(ctx context.Context, a hub.Actor, id hub.ChannelID, user hub.UserID, ifMatch string) error {
	if err := allow(a, writeChat); err != nil {
		return err
	}
	if _, err := s.channel(ctx, a, id); err != nil {
		return err
	}
	if user != a.UserID {
		if _, err := s.managed(ctx, a, id); err != nil {
			return err
		}
	}
	var before *hub.Member
	if err := s.Chat.RemoveMember(ctx, id, user, checkMember(ifMatch, &before), cause(ctx, a)); err != nil {
		return err
	}
	if before != nil {
		s.audit(ctx, a, "member.remove", string(id), memberFacts(before), nil)
	}
	return nil
}
