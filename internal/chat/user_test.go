package chat

import (
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

func TestCreateUser(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	u := must(w.CreateUser(ctx, NewUser{Username: "Eve", Email: "Eve@Example.org", Role: hub.RoleAdmin}, Cause{By: w.ann.ID}))(t)
	if u.Username != "eve" || u.DisplayName != "eve" || u.Kind != hub.UserHuman || u.Status != "active" ||
		u.Email != "eve@example.org" {
		t.Errorf("user %+v", u)
	}
	same(t, "as read", must(w.User(ctx, u.ID))(t), u)
	same(t, "by name", must(w.UserByName(ctx, "eve"))(t), u)
	e := w.router.last(t, hub.EventUserCreated)
	if d := decode[hub.UserData](t, e.Data); d.User.ID != u.ID || d.Channel != nil || e.OrderKey != "" || e.ChannelID != "" {
		t.Errorf("event %+v: %+v", e, d)
	}
	bot := must(w.CreateUser(ctx, NewUser{Kind: hub.UserBot, DisplayName: "Deploy: Bot/2", Email: "bot@example.org"}, Cause{}))(t)
	if bot.Username != "deploy--bot-2" || bot.Email != string(bot.ID)+"@users.invalid" {
		t.Errorf("bot %+v", bot)
	}
	twin := must(w.CreateUser(ctx, NewUser{Kind: hub.UserWebhook, DisplayName: "Deploy: Bot/2"}, Cause{}))(t)
	if !strings.HasPrefix(twin.Username, "deploy--bot-2-") || len(twin.Username) > 50 {
		t.Errorf("the second of that name is %q", twin.Username)
	}
	long := must(w.CreateUser(ctx, NewUser{Kind: hub.UserWebhook, DisplayName: strings.Repeat("x", 100)}, Cause{}))(t)
	longer := must(w.CreateUser(ctx, NewUser{Kind: hub.UserWebhook, DisplayName: strings.Repeat("x", 100)}, Cause{}))(t)
	if len(long.Username) != 50 || len(longer.Username) != 50 {
		t.Errorf("long names %q, %q", long.Username, longer.Username)
	}
	if nameless := must(w.CreateUser(ctx, NewUser{Kind: hub.UserWebhook, DisplayName: "監視"},
		Cause{}))(t); nameless.Username != "webhook" {
		t.Errorf("a name without a letter of ours became %q", nameless.Username)
	}
	for name, n := range map[string]NewUser{
		"no username": {DisplayName: "x"}, "username": {Username: "a b"}, "long username": {Username: strings.Repeat("a", 51)},
		"display name": {Username: "a", DisplayName: "a\nb"}, "long display name": {Username: "a", DisplayName: strings.Repeat("a", 101)},
		"email": {Username: "a", Email: "a@"}, "two @": {Username: "a", Email: "a@b@c"}, "avatar": {Username: "a", AvatarURL: "data:x"},
		"role": {Username: "a", Role: "x"}, "kind": {Username: "a", Kind: "x"}, "direction": {Username: "a", DisplayName: "a\u202eb"},
	} {
		_, err := w.CreateUser(ctx, n, Cause{})
		if hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.CreateUser(ctx, NewUser{Username: "ann"}, Cause{})
	wantCode(t, err, hub.Conflict)
	for _, email := range []string{"ann@example.org", "Ann@EXAMPLE.org"} {
		_, err = w.CreateUser(ctx, NewUser{Username: "x", Email: email}, Cause{})
		wantCode(t, err, hub.Conflict)
	}
	_, err = w.CreateUser(ctx, NewUser{Username: "x"}, Cause{By: hub.UserID(w.IDs.New())})
	wantCode(t, err, hub.NotFound)
}

func TestUpdateUser(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	update := func(c UserChange) (hub.User, error) { return w.UpdateUser(ctx, w.bob.ID, c, Cause{By: w.ann.ID}) }
	steps := []struct {
		name   string
		change UserChange
		want   []string
	}{
		{"nothing", UserChange{Username: ptr("BOB"), Status: ptr("active")}, nil},
		{"name", UserChange{DisplayName: ptr("Bobby")}, []string{hub.EventUserUpdated}},
		{
			"role and avatar",
			UserChange{Role: ptr(hub.RoleAdmin), AvatarURL: ptr("https://example.org/b.png")},
			[]string{hub.EventUserUpdated},
		},
		{"suspended", UserChange{Status: ptr("suspended")}, []string{hub.EventUserDeactivated}},
		{"inactive", UserChange{Status: ptr("inactive")}, []string{hub.EventUserUpdated}},
		{"active", UserChange{Status: ptr("active")}, []string{hub.EventUserUpdated}},
		{"renamed and deleted", UserChange{Username: ptr("gone"), Status: ptr("deleted")}, []string{
			hub.EventUserDeactivated,
			hub.EventUserUpdated,
		}},
	}
	for _, s := range steps {
		got, err := update(s.change)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		same(t, s.name, must(w.User(ctx, w.bob.ID))(t), got)
		same(t, s.name+", in the database", must(w.db.User(ctx, w.bob.ID))(t), got)
		wantTypes(t, w.router, s.want...)
	}
	_, err := update(UserChange{Username: ptr("ann")})
	wantCode(t, err, hub.Conflict)
	_, err = update(UserChange{Status: ptr("asleep")})
	wantCode(t, err, hub.Invalid)
	_, err = w.UpdateUser(ctx, hub.UserID(w.IDs.New()), UserChange{}, Cause{})
	wantCode(t, err, hub.NotFound)
	_, err = w.UpdateUser(ctx, w.d.Owner, UserChange{Status: ptr("inactive")}, Cause{})
	wantCode(t, err, hub.Conflict)

	other := &Service{Store: w.db, Router: w.router, IDs: w.IDs, Now: w.Now, Log: w.Log}
	w.Store = &meddler{Store: w.db, before: func() {
		must(other.UpdateUser(ctx, w.ann.ID, UserChange{DisplayName: ptr("Theirs")}, Cause{}))(t)
	}}
	got := must(w.UpdateUser(ctx, w.ann.ID, UserChange{AvatarURL: ptr("https://example.org/a.png")}, Cause{}))(t)
	if got.DisplayName != "Theirs" || got.AvatarURL == "" {
		t.Errorf("after others: %+v", got)
	}
}

func TestUsersInPages(t *testing.T) {
	w := open(t)
	var names []string
	cursor := ""
	for {
		page, next, err := w.Users(t.Context(), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			names = append(names, u.Username)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	same(t, "users", names, []string{"owner", "hub", "ann", "bob", "build-server"})
}
