package client

import (
	"context"
	"iter"
	"time"
)

// User is somebody or something that can author messages.
type User struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"`
	Username    string    `json:"username"`
	DisplayName string    `json:"displayName"`
	Email       string    `json:"email"` // for administrators and oneself
	AvatarURL   string    `json:"avatarUrl"`
	Role        string    `json:"role"`
	Status      string    `json:"status"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
	Version     string    `json:"version"` // changes with every edit; see [IfMatch]
}

// NewUser is a user about to be made.
type NewUser struct {
	Kind        string `json:"kind,omitempty"` // human or bot; "": human
	Username    string `json:"username,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Email       string `json:"email,omitempty"`
	AvatarURL   string `json:"avatarUrl,omitempty"`
	Role        string `json:"role,omitempty"` // "": member
}

// UserChange is what is to change of a user.
type UserChange struct {
	Username    Field[string] `json:"username,omitzero"`
	DisplayName Field[string] `json:"displayName,omitzero"`
	AvatarURL   Field[string] `json:"avatarUrl,omitzero"`
	Role        Field[string] `json:"role,omitzero"`
	Status      Field[string] `json:"status,omitzero"`
}

// Users lists users, oldest first.
func (c *Client) Users(ctx context.Context, options ...ListOption) iter.Seq2[User, error] {
	return list[User](ctx, c, "/api/users", nil, options)
}

// User returns one user.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	return call[User](ctx, c, get("/api/users/"+escape(id), nil))
}

// CreateUser makes a person or a bot.
func (c *Client) CreateUser(ctx context.Context, n NewUser, options ...CallOption) (User, error) {
	return call[User](ctx, c, post("/api/users", n, options...))
}

// UpdateUser changes or deactivates a user.
func (c *Client) UpdateUser(ctx context.Context, id string, change UserChange, options ...CallOption) (User, error) {
	return call[User](ctx, c, patch("/api/users/"+escape(id), change, options...))
}
