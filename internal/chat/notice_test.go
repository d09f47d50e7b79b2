package chat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
)

func TestEnsureDefaults(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	again := must(w.EnsureDefaults(ctx))(t)
	same(t, "the second time", again, w.d)
	general, notices := must(w.Channel(ctx, w.d.General))(t), must(w.Channel(ctx, w.d.Notices))(t)
	if general.Name != "general" || !general.IsDefault || general.Type != hub.ChannelPublic || general.MemberCount != 1 {
		t.Errorf("general: %+v", general)
	}
	if notices.Name != "notices" || notices.IsDefault || notices.Type != hub.ChannelPrivate {
		t.Errorf("notices: %+v", notices)
	}
	owner, bot := must(w.User(ctx, w.d.Owner))(t), must(w.User(ctx, w.d.Bot))(t)
	if owner.Role != hub.RoleOwner || owner.Kind != hub.UserHuman || bot.Kind != hub.UserBot ||
		bot.Email != string(bot.ID)+"@users.invalid" || w.d.Workspace == "" {
		t.Errorf("users: %+v, %+v", owner, bot)
	}
	if events := w.events(); len(events) != 3 {
		t.Errorf("%d events, want those of the three users of the test", len(events))
	}
	before := &Service{Store: w.db, Router: w.router}
	wantCode(t, before.PostNotice(ctx, "x", nil), hub.Internal)
}

func TestPostNotice(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	w.router.webhook = hub.WebhookID(w.IDs.New())
	hook := &hub.OutgoingWebhook{
		ID: w.router.webhook, Name: "crm", URL: "https://example.org", State: hub.WebhookActive, Events: []string{"*"},
		Policy: hub.DefaultPolicy(),
		Notice: hub.NoticeBreaker, CreatedAt: noon, UpdatedAt: noon,
	}
	if _, err := w.db.CreateOutgoingWebhook(ctx, hook); err != nil {
		t.Fatal(err)
	}
	data := must(json.Marshal(hub.WebhookStateData{Webhook: hub.WebhookInfo{ID: hook.ID, Name: "crm"}, Reason: "breaker_open"}))(t)
	err := w.PostNotice(ctx, "Webhook crm fails. @here "+strings.Repeat("x", 20000), []hub.NoticeRef{{WebhookID: hook.ID, Notice: hub.NoticeBreaker}},
		&hub.Event{Type: hub.EventWebhookFailing, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := w.Messages(ctx, MessageQuery{ChannelID: w.d.Notices})
	if err != nil || len(page) != 1 || page[0].Type != hub.MessageSystem || page[0].Author.ID != w.d.Bot ||
		!strings.HasPrefix(page[0].Content, "Webhook crm fails. @\u200bhere x") {
		t.Fatalf("notices: %+v, %v", page, err)
	}
	events := w.events()
	created, failing := events[len(events)-2], events[len(events)-1]
	if !created.Quiet || created.Type != hub.EventMessageCreated || !created.ChannelPrivate {
		t.Errorf("the notice's event: %+v", created)
	}
	if failing.Type != hub.EventWebhookFailing || failing.Quiet || failing.ID == "" || !failing.Time.Equal(noon) ||
		failing.Origin.Kind != hub.OriginHub {
		t.Errorf("the event that belongs to it: %+v", failing)
	}
	if waiting := must(w.db.WebhooksWithNotice(ctx))(t); len(waiting) != 0 {
		t.Error("the notice still waits")
	}
	if err := w.PostNotice(ctx, "Hello", nil); err != nil {
		t.Error(err)
	}
	w.router.types()
}
