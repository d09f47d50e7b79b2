package chat

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nself-chat/hub"
)

// The states of a user, nself-chat's user_status.
const (
	statusActive    = "active"
	statusInactive  = "inactive"
	statusSuspended = "suspended"
	statusDeleted   = "deleted"
)

// NewUser is a user about to be made.
type NewUser struct {
	Kind hub.UserKind // "": UserHuman
	// Username may be left empty for programs: one is made of DisplayName then.
	Username    string
	DisplayName string // "": the username
	// Email is for people, kept in lower case; "" and programs get
	// "<id>@users.invalid".
	Email     string
	AvatarURL string
	Role      hub.Role // "": RoleMember
}

// UserChange is what is to change of a user. Absent fields stay.
type UserChange struct {
	Username    *string
	DisplayName *string
	AvatarURL   *string
	Role        *hub.Role
	Status      *string // active, inactive, suspended, deleted
	// Check is asked about the user as the change found it; its error refuses
	// the change. May be nil.
	Check func(*hub.User) error
}

// CreateUser makes a user. Errors: Invalid, Conflict (username or address is
// taken).
func (s *Service) CreateUser(ctx context.Context, n NewUser, by Cause) (hub.User, error) {
	return s.CreateUserWith(ctx, n, by, func(u *hub.User, routings []hub.Routing) error {
		return s.Store.CreateUser(ctx, u, routings...)
	})
}

// CreateUserWith makes a user as CreateUser does, in the commit of something
// else: store stores both, with the routings. It is called again, with another
// username, when it answers that the first is taken (Conflict).
func (s *Service) CreateUserWith(ctx context.Context, n NewUser, by Cause, store func(*hub.User, []hub.Routing) error) (
	hub.User, error,
) {
	u := hub.User{
		ID: hub.UserID(s.IDs.New()), Kind: n.Kind, Username: strings.ToLower(n.Username), DisplayName: n.DisplayName,
		Email: strings.ToLower(n.Email), AvatarURL: n.AvatarURL, Role: n.Role, Status: statusActive,
	}
	if u.Kind == "" {
		u.Kind = hub.UserHuman
	}
	if u.Role == "" {
		u.Role = hub.RoleMember
	}
	named := u.Username != "" || u.Kind == hub.UserHuman
	if !named {
		u.Username = usernameFrom(n.DisplayName, string(u.Kind))
	}
	if u.DisplayName == "" {
		u.DisplayName = u.Username
	}
	if u.Email == "" || u.Kind != hub.UserHuman {
		u.Email = string(u.ID) + "@users.invalid"
	}
	if err := checkUser(&u); err != nil {
		return hub.User{}, err
	}
	err := s.createUser(ctx, &u, by, store)
	if hub.CodeOf(err) == hub.Conflict && !named {
		u.Username = clip(u.Username, maxUsername-13) + "-" + string(u.ID[len(u.ID)-12:])
		err = s.createUser(ctx, &u, by, store)
	}
	if err != nil {
		return hub.User{}, err
	}
	return u, nil
}

func (s *Service) createUser(ctx context.Context, u *hub.User, by Cause, store func(*hub.User, []hub.Routing) error) error {
	c, err := s.begin(ctx, by, nil)
	if err != nil {
		return err
	}
	u.CreatedAt, u.UpdatedAt = c.at, c.at
	event, err := s.event(&c, hub.EventUserCreated, "", hub.UserData{User: userInfo(u)})
	if err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, store(u, routings)
	}, event)
	return err
}

// usernameFrom makes a username of a program's name.
func usernameFrom(name, otherwise string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case isUsernameChar(r):
			return r
		case r == ' ' || r == '/' || r == ':':
			return '-'
		}
		return -1
	}, strings.ToLower(name))
	if name = clip(strings.Trim(name, "-"), maxUsername); name == "" {
		return otherwise
	}
	return name
}

func isUsernameChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

func checkUser(u *hub.User) error {
	var errs hub.FieldErrors
	if !slices.Contains([]hub.UserKind{hub.UserHuman, hub.UserBot, hub.UserWebhook, hub.UserRemote}, u.Kind) {
		errs.Add("kind", "must be human, bot, webhook or remote")
	}
	other := func(r rune) bool { return !isUsernameChar(r) }
	if u.Username == "" || len(u.Username) > maxUsername || strings.ContainsFunc(u.Username, other) {
		errs.Add("username", "must be 1 to %d lower-case letters a to z, digits, '.', '_' and '-'", maxUsername)
	}
	if u.DisplayName == "" || cleanLine(u.DisplayName, maxName) != u.DisplayName {
		errs.Add("displayName", "must be 1 to %d characters in one line", maxName)
	}
	if !isEmail(u.Email) {
		errs.Add("email", "must be an address of at most %d characters", maxEmail)
	}
	if u.AvatarURL != "" && webURL(u.AvatarURL) == "" {
		errs.Add("avatarUrl", "must be an http or https URL of at most %d bytes", maxURL)
	}
	if !isRole(u.Role) {
		errs.Add("role", "must be owner, admin, member or guest")
	}
	if !slices.Contains([]string{statusActive, statusInactive, statusSuspended, statusDeleted}, u.Status) {
		errs.Add("status", "must be active, inactive, suspended or deleted")
	}
	return errs.Err()
}

// isEmail accepts what can be an address: nothing is sent to it, so it is only
// kept from being nonsense.
func isEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && utf8.RuneCountInString(s) <= maxEmail && !strings.Contains(domain, "@") &&
		!strings.ContainsAny(s, " \t\r\n\"<>,;") && cleanLine(s, maxEmail) == s
}

// UpdateUser changes a user; one that is not active any more was deactivated.
// Errors: Invalid, NotFound, Conflict (the username is taken; no active owner
// would be left), and what ch.Check returns.
func (s *Service) UpdateUser(ctx context.Context, id hub.UserID, ch UserChange, by Cause) (hub.User, error) {
	done, err := s.order.wait(ctx, "u:"+string(id))
	if err != nil {
		return hub.User{}, err
	}
	defer done()
	defer s.users.forget(id)
	for range maxTries {
		prev, err := s.Store.User(ctx, id)
		if err != nil {
			return hub.User{}, err
		}
		if ch.Check != nil {
			if err := ch.Check(&prev); err != nil {
				return hub.User{}, err
			}
		}
		c, err := s.begin(ctx, by, nil)
		if err != nil {
			return hub.User{}, err
		}
		next, kinds, err := changeUser(prev, &ch)
		if err != nil || len(kinds) == 0 {
			return prev, err
		}
		next.UpdatedAt = after(prev.UpdatedAt, c.at)
		var events []*hub.Event
		for _, kind := range kinds {
			e, err := s.event(&c, kind, "", hub.UserData{User: userInfo(&next)})
			if err != nil {
				return hub.User{}, err
			}
			events = append(events, e)
		}
		stored, err := s.commit(func(routings []hub.Routing) (bool, error) {
			return s.Store.UpdateUser(ctx, &prev, &next, routings...)
		}, events...)
		if err != nil {
			return hub.User{}, err
		}
		if stored {
			return next, nil
		}
	}
	return hub.User{}, errBusy
}

// changeUser returns the changed user and the events that tell of it.
func changeUser(prev hub.User, ch *UserChange) (next hub.User, kinds []string, err error) {
	next = prev
	set(&next.Username, ch.Username)
	next.Username = strings.ToLower(next.Username)
	set(&next.DisplayName, ch.DisplayName)
	set(&next.AvatarURL, ch.AvatarURL)
	set(&next.Role, ch.Role)
	set(&next.Status, ch.Status)
	if next == prev {
		return next, nil, nil
	}
	if err := checkUser(&next); err != nil {
		return next, nil, err
	}
	deactivated := prev.Status == statusActive && next.Status != statusActive
	rest := next
	if deactivated {
		rest.Status = prev.Status
		kinds = append(kinds, hub.EventUserDeactivated)
	}
	if rest != prev {
		kinds = append(kinds, hub.EventUserUpdated)
	}
	return next, kinds, nil
}
