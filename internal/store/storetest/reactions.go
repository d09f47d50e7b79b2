package storetest

import (
	"fmt"
	"testing"

	"github.com/nself-chat/hub"
)

func reactionTests() []noun {
	return []noun{{"reactions are set and taken off once", testReactions}}
}

func testReactions(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	m := f.post(f.draft(c, ann, "x"))
	told, again := f.event(m, "{}"), f.event(m, "{}")
	f.stored(f.AddReaction(ctx, m.ID, bob.ID, "👍", f.tick(), told))
	f.unchanged(f.AddReaction(ctx, m.ID, bob.ID, "👍", f.tick(), again))
	if !f.happened(told) || f.happened(again) {
		t.Error("a reaction is told of once")
	}
	f.stored(f.AddReaction(ctx, m.ID, ann.ID, "🎉", f.tick()))
	f.stored(f.AddReaction(ctx, m.ID, ann.ID, "👍", f.tick()))
	same(f, "reactions", f.message(m.ID).Reactions, []hub.Reaction{
		{Emoji: "👍", Count: 2, UserIDs: []hub.UserID{bob.ID, ann.ID}},
		{Emoji: "🎉", Count: 1, UserIDs: []hub.UserID{ann.ID}},
	})
	has := func(u *hub.User, emoji string, want bool) {
		t.Helper()
		if got, err := f.HasReaction(ctx, m.ID, u.ID, emoji); err != nil || got != want {
			t.Errorf("%s has %s: %v, %v", u.Username, emoji, got, err)
		}
	}
	has(bob, "👍", true)
	has(bob, "🎉", false)
	f.stored(f.RemoveReaction(ctx, m.ID, bob.ID, "👍"))
	f.unchanged(f.RemoveReaction(ctx, m.ID, bob.ID, "👍", f.event(m, "{}")))
	has(bob, "👍", false)
	_, err := f.AddReaction(ctx, hub.MessageID(f.ids.New()), ann.ID, "👍", f.now)
	f.code(err, hub.NotFound)
	for i := range 49 { // ann's two and these: one too many
		_, err = f.AddReaction(ctx, m.ID, bob.ID, fmt.Sprintf("e%d", i), f.tick())
		if want := i < 48; (err == nil) != want {
			t.Fatalf("emoji %d: %v", i+3, err)
		}
	}
	f.code(err, hub.Conflict)
	f.stored(f.AddReaction(ctx, m.ID, bob.ID, "👍", f.tick()))
}
