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
	Kind        hub.UserKind `json:"kind" enum:"human,bot,webhook,remote" doc:"webhook: the author of an incoming webhook's messages; remote: a person on the other side of a bridge."`
	Username    string       `json:"username" doc:"Unique, lower case."`
	DisplayName string       `json:"displayName" doc:"The name that is shown."`
	Email       string       `json:"email,omitempty" doc:"For administrators and oneself only."`
	AvatarURL   string       `json:"avatarUrl,omitempty" doc:"Absent: none."`
	Role        hub.Role     `json:"role" enum:"owner,admin,member,guest" doc:"In the workspace."`
	Status      string       `json:"status" enum:"active,inactive,suspended,deleted" doc:"Only active users can do anything."`
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
			Kind        hub.UserKind `json:"kind,omitempty" enum:"human,bot" default:"human" doc:"The hub makes users of other kinds itself."`
			Username    string       `json:"username,omitempty" limits:"maxLength=50" doc:"Lower-case letters, digits, ., _ and -. Required for people."`
			DisplayName string       `json:"displayName,omitempty" limits:"maxLength=100" doc:"Absent: the username."`
			Email       string       `json:"email,omitempty" limits:"maxLength=255" doc:"Of people."`
			AvatarURL   string       `json:"avatarUrl,omitempty" limits:"maxLength=2048" doc:"An http or https URL."`
			Role        hub.Role     `json:"role,omitempty" enum:"owner,admin,member,guest" default:"member" doc:"Only owners may make owners."`
		} `nameHint:"UserCreate"`
	}
	patchUserInput struct {
		UserPath
		Conditional
		Body struct {
			Username    field[string] `json:"username,omitzero" limits:"type=string,maxLength=50" doc:"Lower-case letters, digits, ., _ and -."`
			DisplayName field[string] `json:"displayName,omitzero" limits:"maxLength=100" doc:"null: the username."`
			AvatarURL   field[string] `json:"avatarUrl,omitzero" limits:"maxLength=2048" doc:"An http or https URL; null: none."`
			Role        field[string] `json:"role,omitzero" limits:"enum=owner|admin|member|guest" doc:"Only owners may make or change owners; null: member."`
			Status      field[string] `json:"status,omitzero" limits:"enum=active|inactive|suspended|deleted" doc:"Who is not active is signed out; null: active."`
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
		method: http.MethodPost, path: "/api/users", id: "createUser", tag: "users", summary: "Make a person or a bot",
		conflict: "There is a user with this name or address already.", status: http.StatusCreated,
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
		conflict: "The name is taken, or it is the last active owner.",
		doc:      "Absent fields keep their value, null resets to the default. People may change their own name and picture.",
	}, func(ctx context.Context, who hub.Actor, in *patchUserInput) (User, error) {
		b := in.Body
		return wired(wireUser)(a.Control.UpdateUser(ctx, who, in.ID, in.IfMatch, control.UserChange{
			Username: b.Username.Change, DisplayName: b.DisplayName.Change, AvatarURL: b.AvatarURL.Change,
			Role: changeTo(b.Role, func(s string) hub.Role { return hub.Role(s) }), Status: b.Status.Change,
		}))
	})
}
