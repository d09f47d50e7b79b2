package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

func userTests() []noun {
	return []noun{
		{"users are kept as they are", testUserRoundTrip},
		{"usernames and addresses are unique", testUserUnique},
		{"users change only from what was read", testUserStale},
		{"an owner stays", testLastOwner},
	}
}

func testUserRoundTrip(t *testing.T, f *fixture) {
	ctx := t.Context()
	u := f.user("ann")
	u.Kind, u.ID, u.Username, u.Email, u.AvatarURL = hub.UserBot, hub.UserID(f.ids.New()), "robot", "robot@example.org",
		"https://example.org/a.png"
	f.noError(f.CreateUser(ctx, u))
	got, err := f.User(ctx, u.ID)
	f.noError(err)
	same(f, "by id", got, *u)
	got, err = f.UserByName(ctx, "robot")
	f.noError(err)
	same(f, "by name", got, *u)
	_, err = f.User(ctx, hub.UserID(f.ids.New()))
	f.code(err, hub.NotFound)

	first, err := f.Users(ctx, "", 1)
	f.noError(err)
	rest, err := f.Users(ctx, first[0].ID, 10)
	f.noError(err)
	if len(first) != 1 || first[0].Username != "ann" || len(rest) != 1 || rest[0].ID != u.ID {
		t.Errorf("pages of users: %v, %v", first, rest)
	}

	prev := *u
	u.Status, u.UpdatedAt, u.DisplayName = "deleted", f.tick(), "Gone"
	f.stored(f.UpdateUser(ctx, &prev, u))
	if rest, err = f.Users(ctx, first[0].ID, 10); err != nil || len(rest) != 0 {
		t.Errorf("deleted users are listed: %v, %v", rest, err)
	}
	got, err = f.User(ctx, u.ID)
	f.noError(err)
	same(f, "a deleted user is still known by id", got, *u)
}

func testUserUnique(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	twin := *ann
	twin.ID, twin.Email = hub.UserID(f.ids.New()), "twin@example.org"
	event := f.event(&hub.Message{}, "{}")
	err := f.CreateUser(ctx, &twin, event)
	f.code(err, hub.Conflict)
	if f.happened(event) {
		t.Error("a refused change left its event")
	}
	next := *bob
	next.Username, next.UpdatedAt = "ann", f.tick()
	_, err = f.UpdateUser(ctx, bob, &next)
	f.code(err, hub.Conflict)
	for _, email := range []string{ann.Email, strings.ToUpper(ann.Email)} {
		next.Username, next.Email = "bob", email
		_, err = f.UpdateUser(ctx, bob, &next)
		f.code(err, hub.Conflict)
		twin.Username, twin.Email = "twin", email
		err = f.CreateUser(ctx, &twin)
		f.code(err, hub.Conflict)
		if e, ok := errors.AsType[*hub.Error](err); !ok || len(e.Fields) != 1 || e.Fields[0].Field != "email" {
			t.Errorf("the address %s: %v", email, err)
		}
	}
}

func testUserStale(t *testing.T, f *fixture) {
	ctx := t.Context()
	read := f.user("ann")
	first, second := *read, *read
	first.DisplayName, first.UpdatedAt = "First", f.tick()
	second.DisplayName, second.UpdatedAt = "Second", f.tick()
	f.stored(f.UpdateUser(ctx, read, &first))
	event := f.event(&hub.Message{}, "{}")
	f.unchanged(f.UpdateUser(ctx, read, &second, event))
	if f.happened(event) {
		t.Error("an unstored change left its event")
	}
	got, err := f.User(ctx, read.ID)
	f.noError(err)
	same(f, "user", got, first)
	unknown := first
	unknown.ID = hub.UserID(f.ids.New())
	_, err = f.UpdateUser(ctx, &unknown, &unknown)
	f.code(err, hub.NotFound)
}

func testLastOwner(t *testing.T, f *fixture) {
	ctx := t.Context()
	change := func(u *hub.User, role hub.Role, status string) error {
		next := *u
		next.Role, next.Status, next.UpdatedAt = role, status, f.tick()
		ok, err := f.UpdateUser(ctx, u, &next)
		if err == nil && ok {
			*u = next
		}
		return err
	}
	ann, bob := f.user("ann"), f.user("bob")
	f.noError(change(ann, hub.RoleOwner, "active"))
	f.code(change(ann, hub.RoleMember, "active"), hub.Conflict)
	f.code(change(ann, hub.RoleOwner, "suspended"), hub.Conflict)
	f.noError(change(bob, hub.RoleOwner, "active"))
	f.noError(change(ann, hub.RoleMember, "active"))
	f.code(change(bob, hub.RoleAdmin, "active"), hub.Conflict)
}
