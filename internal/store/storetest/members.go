package storetest

import (
	"testing"

	"github.com/nself-chat/hub"
)

func memberTests() []noun {
	return []noun{{"members come and go once", testMembers}}
}

func testMembers(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	m := &hub.Member{ChannelID: c.ID, User: *bob, Role: hub.RoleMember, JoinedAt: f.tick()}
	joined, again := f.event(&hub.Message{}, "{}"), f.event(&hub.Message{}, "{}")
	f.stored(f.AddMember(ctx, m, nil, joined))
	promoted := *m
	promoted.Role, promoted.JoinedAt = hub.RoleAdmin, f.tick()
	f.unchanged(f.AddMember(ctx, &promoted, nil, again))
	if !promoted.JoinedAt.Equal(m.JoinedAt) {
		t.Errorf("promoted, joined at %v, want %v", promoted.JoinedAt, m.JoinedAt)
	}
	if !f.happened(joined) || f.happened(again) {
		t.Error("joining is told of once")
	}
	m.Role = hub.RoleAdmin
	members, err := f.Members(ctx, c.ID, "", 10)
	f.noError(err)
	if len(members) != 2 {
		t.Fatalf("members: %v", members)
	}
	same(f, "the creator", members[0], hub.Member{ChannelID: c.ID, User: *ann, Role: hub.RoleOwner, JoinedAt: c.CreatedAt})
	same(f, "who joined", members[1], *m)
	if members, err = f.Members(ctx, c.ID, ann.ID, 10); err != nil || len(members) != 1 || members[0].User.ID != bob.ID {
		t.Errorf("the next page: %v, %v", members, err)
	}
	count := func(want int) {
		t.Helper()
		got, err := f.Channel(ctx, c.ID)
		f.noError(err)
		if is, err := f.IsMember(ctx, c.ID, bob.ID); err != nil || got.MemberCount != want || is != (want == 2) {
			t.Errorf("%d members, bob is one: %v, %v; want %d", got.MemberCount, is, err, want)
		}
	}
	count(2)
	left, none := f.event(&hub.Message{}, "{}"), f.event(&hub.Message{}, "{}")
	f.stored(f.RemoveMember(ctx, c.ID, bob.ID, nil, left))
	f.unchanged(f.RemoveMember(ctx, c.ID, bob.ID, nil, none))
	if !f.happened(left) || f.happened(none) {
		t.Error("leaving is told of once")
	}
	count(1)
	f.stored(f.AddMember(ctx, m, nil))
	count(2)

	stranger := *m
	stranger.User.ID = hub.UserID(f.ids.New())
	_, err = f.AddMember(ctx, &stranger, nil)
	f.code(err, hub.NotFound)
	nowhere := *m
	nowhere.ChannelID = hub.ChannelID(f.ids.New())
	_, err = f.AddMember(ctx, &nowhere, nil)
	f.code(err, hub.NotFound)
}
