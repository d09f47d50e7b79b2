package storetest

import (
	"testing"

	"github.com/nself-chat/hub"
)

func defaultTests() []noun {
	return []noun{{"defaults are made once", testDefaults}}
}

func testDefaults(t *testing.T, f *fixture) {
	ctx := t.Context()
	type defaults struct {
		owner, bot       hub.User
		general, notices hub.Channel
		workspace        string
	}
	ensure := func() (d defaults) {
		t.Helper()
		d.owner = hub.User{
			ID: hub.UserID(f.ids.New()), Kind: hub.UserHuman, Username: "owner", Role: hub.RoleOwner,
			CreatedAt: f.now, UpdatedAt: f.now,
		}
		d.bot = hub.User{
			ID: hub.UserID(f.ids.New()), Kind: hub.UserBot, Username: "hub", Role: hub.RoleMember, CreatedAt: f.now,
			UpdatedAt: f.now,
		}
		for _, u := range []*hub.User{&d.owner, &d.bot} {
			u.DisplayName, u.Email, u.Status = u.Username, u.Username+"@users.invalid", "active"
		}
		d.general = hub.Channel{
			ID: hub.ChannelID(f.ids.New()), Name: "general", Type: hub.ChannelPublic, IsDefault: true,
			CreatedAt: f.now, UpdatedAt: f.now,
		}
		d.notices = hub.Channel{
			ID: hub.ChannelID(f.ids.New()), Name: "notices", Type: hub.ChannelPrivate, CreatedAt: f.now,
			UpdatedAt: f.now,
		}
		workspace, err := f.EnsureDefaults(ctx, f.ids.New(), &d.owner, &d.bot, &d.general, &d.notices)
		f.noError(err)
		d.workspace = workspace
		return d
	}
	first := ensure()
	second := ensure()
	if second.workspace != first.workspace || first.workspace == "" {
		t.Errorf("workspace %q, then %q", first.workspace, second.workspace)
	}
	same(f, "owner", second.owner, first.owner)
	same(f, "bot", second.bot, first.bot)
	same(f, "general", second.general, first.general)
	same(f, "notices", second.notices, first.notices)
	for _, id := range []hub.ChannelID{first.general.ID, first.notices.ID} {
		if is, err := f.IsMember(ctx, id, first.owner.ID); err != nil || !is {
			t.Errorf("the owner is no member of a default channel: %v", err)
		}
		f.code(f.DeleteChannel(ctx, id, nil), hub.Conflict)
	}
	if channels, err := f.Channels(ctx, "", true, nil, "", 10); err != nil || len(channels) != 2 {
		t.Errorf("channels: %v, %v", channels, err)
	}
	if users, err := f.Users(ctx, "", 10); err != nil || len(users) != 2 {
		t.Errorf("users: %v, %v", users, err)
	}

	renamed := first.general
	renamed.Name, renamed.UpdatedAt = "lobby", f.tick()
	f.stored(f.UpdateChannel(ctx, &first.general, &renamed))
	if third := ensure(); third.general.ID != first.general.ID || third.general.Name != "lobby" {
		t.Errorf("a renamed default channel was replaced by %v", third.general)
	}
}
