package api

import (
	"context"
	"net/http"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
)

// Member is a membership as it is shown.
type Member struct {
	ChannelID hub.ChannelID `json:"channelId"`
	UserID    hub.UserID    `json:"userId"`
	User      hub.UserInfo  `json:"user"`
	Role      hub.Role      `json:"role" enum:"owner,admin,member,guest" doc:"In this channel."`
	JoinedAt  time.Time     `json:"joinedAt"`
	Version   string        `json:"version" doc:"Changes with every edit; If-Match takes it, in quotes."`
}

func (m Member) version() string { return `"` + m.Version + `"` }

func wireMember(m hub.Member) Member {
	u := m.User
	return Member{
		ChannelID: m.ChannelID, UserID: u.ID, Role: m.Role, JoinedAt: m.JoinedAt, Version: unquoted(control.MemberVersion(&m)),
		User: hub.UserInfo{ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Kind: u.Kind, AvatarURL: u.AvatarURL},
	}
}

// MemberPath is the path of a membership.
type MemberPath struct {
	ChannelPath
	UserID hub.UserID `path:"userId"`
}

type (
	listMembersInput struct {
		ChannelPath
		Paging
	}
	removeMemberInput struct {
		MemberPath
		Conditional
	}
	setMemberInput struct {
		MemberPath
		Conditional
		Body *struct {
			Role hub.Role `json:"role,omitempty" enum:"owner,admin,member,guest" default:"member" doc:"In this channel."`
		} `nameHint:"MemberSet"`
	}
)

func (a *API) memberRoutes() {
	const base = "/api/channels/{id}/members"
	register(a, operation{
		method: http.MethodGet, path: base, id: "listMembers", tag: "channels", summary: "List a channel's members",
	}, func(ctx context.Context, who hub.Actor, in *listMembersInput) (page[Member], error) {
		after, err := idCursor[string]("member", in.Cursor)
		if err != nil {
			return page[Member]{}, err
		}
		members, next, err := a.Control.Members(ctx, who, in.ID, after, in.Limit)
		return pageOf(members, wireMember, encodeCursor("member", next)), err
	})
	register(a, operation{
		method: http.MethodGet, path: base + "/{userId}", id: "getMember", tag: "channels", summary: "Show a membership",
	}, func(ctx context.Context, who hub.Actor, in *MemberPath) (Member, error) {
		return wired(wireMember)(a.Control.Member(ctx, who, in.ID, in.UserID))
	})
	register(a, operation{
		method: http.MethodPut, path: base + "/{userId}", id: "setMember", tag: "channels", summary: "Make a user a member",
		doc: "Everybody may join a public channel; who manages the channel may add others, and set roles. The body may be absent.",
	}, func(ctx context.Context, who hub.Actor, in *setMemberInput) (Member, error) {
		role := hub.Role("")
		if in.Body != nil {
			role = in.Body.Role
		}
		return wired(wireMember)(a.Control.SetMember(ctx, who, in.ID, in.UserID, role, in.IfMatch))
	})
	register(a, operation{
		method: http.MethodDelete, path: base + "/{userId}", id: "removeMember", tag: "channels", summary: "End a membership",
		doc: "Everybody may leave; who manages the channel may take others out.",
	}, func(ctx context.Context, who hub.Actor, in *removeMemberInput) (nothing, error) {
		return nothing{}, a.Control.RemoveMember(ctx, who, in.ID, in.UserID, in.IfMatch)
	})
}
