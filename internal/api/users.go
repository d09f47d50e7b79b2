package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// User is a user as it is shown.
type User struct {
	ID          hub.UserID   `json:"id"`
	Kind        hub.UserKind `json:"kind" enum:"human,bot,webhook,remote"`
	Username    string       `json:"username"`
	DisplayName string       `json:"displayName"`
	Email       string       `json:"email,omitempty" doc:"For administrators and oneself only."`
	AvatarURL   string       `json:"avatarUrl,omitempty"`
	Role        hub.Role     `json:"role"`
	Status      string       `json:"status" enum:"active,inactive,suspended,deleted"`
	CreatedAt   time.Time    `json:"createdAt"`
	UpdatedAt   time.Time    `json:"updatedAt"`
	Version     string       `json:"version" doc:"Changes with every edit; If-Match takes it, in quotes."`
}

func (u User) version() string { return control.Version(u.UpdatedAt) }

func (u User) location() string { return "/api/users/" + string(u.ID) }

func wireUser(u hub.User) User {
	return User{
		u.ID, u.Kind, u.Username, u.DisplayName, u.Email, u.AvatarURL, u.Role, u.Status, u.CreatedAt, u.UpdatedAt,
		unquoted(control.Version(u.UpdatedAt)),
	}
}

// UserPath is the path of a user.
type UserPath struct {
	ID hub.UserID `path:"id"`
}

type (
	listUsersInput struct{ Paging }
	makeUserInput  struct {
		Body struct {
			Kind        hub.UserKind `json:"kind,omitempty" enum:"human,bot" default:"human"`
			Username    string       `json:"username,omitempty" doc:"Required for people."`
			DisplayName string       `json:"displayName,omitempty"`
			Email       string       `json:"email,omitempty"`
			AvatarURL   string       `json:"avatarUrl,omitempty"`
			Role        hub.Role     `json:"role,omitempty" enum:"owner,admin,member,guest" default:"member"`
		} `nameHint:"UserCreate"`
	}
	patchUserInput struct {
		UserPath
		Conditional
		Body struct {
			Username    field[string] `json:"username,omitzero"`
			DisplayName field[string] `json:"displayName,omitzero" doc:"null: the username."`
			AvatarURL   field[string] `json:"avatarUrl,omitzero"`
			Role        field[string] `json:"role,omitzero"`
			Status      field[string] `json:"status,omitzero" doc:"active, inactive, suspended or deleted."`
		} `nameHint:"UserPatch"`
	}
)

func (a *API) userRoutes() {
	register(a, operation{
		method: http.MethodGet, path: "/api/users", id: "listUsers", tag: "users", summary: "List users, oldest first",
	}, func(ctx context.Context, who hub.Actor, in *listUsersInput) (page[User], error) {
		after, err := idCursor[string]("user", in.Cursor)
		if err != nil {
			return page[User]{}, err
		}
		users, next, err := a.Control.Users(ctx, who, after, in.Limit)
		return pageOf(users, wireUser, encodeCursor("user", next)), err
	})
	register(a, operation{
		method: http.MethodPost, path: "/api/users", id: "createUser", tag: "users", summary: "Make a person or a bot", status: http.StatusCreated,
	}, func(ctx context.Context, who hub.Actor, in *makeUserInput) (User, error) {
		b := in.Body
		return wired(wireUser)(a.Control.CreateUser(ctx, who, control.NewUser{
			Kind: b.Kind, Username: b.Username, DisplayName: b.DisplayName, Email: b.Email, AvatarURL: b.AvatarURL, Role: b.Role,
		}))
	})
	register(a, operation{
		method: http.MethodGet, path: "/api/users/{id}", id: "getUser", tag: "users", summary: "Show a user",
	}, func(ctx context.Context, who hub.Actor, in *UserPath) (User, error) {
		return wired(wireUser)(a.Control.User(ctx, who, in.ID))
	})
	register(a, operation{
		method: http.MethodPatch, path: "/api/users/{id}", id: "updateUser", tag: "users", summary: "Change or deactivate a user",
		doc: "Absent fields keep their value, null resets to the default. People may change their own name and picture.",
	}, func(ctx context.Context, who hub.Actor, in *patchUserInput) (User, error) {
		b := in.Body
		return wired(wireUser)(a.Control.UpdateUser(ctx, who, in.ID, in.IfMatch, control.UserChange{
			Username: b.Username.Change, DisplayName: b.DisplayName.Change, AvatarURL: b.AvatarURL.Change,
			Role: changeTo(b.Role, func(s string) hub.Role { return hub.Role(s) }), Status: b.Status.Change,
		}))
	})
}
