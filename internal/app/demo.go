package app

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/webhook"
)

// demoSecret signs what the demo's webhooks send to the demo's receiver.
const demoSecret = "a-demo-secret-for-this-machine-only"

// demoBody caps what the demo's receiver reads, in bytes.
const demoBody = 16 << 20

// demoPath is where the demo's receiver listens, on the hub itself.
const demoPath = "/demo/receiver/"

// demoWebhooks is an outgoing webhook of each kind.
var demoWebhooks = []struct {
	name, filter string
	events       []string
	signing      hub.Signing
}{
	{"demo: all messages", "", []string{"message.*"}, hub.SigningHub},
	{"demo: everything, GitHub's headers", "", []string{"*"}, hub.SigningGitHub},
	{"demo: deploys only, Slack's headers", `{"field":"message.content","contains":"deploy"}`, []string{"message.created"}, hub.SigningSlack},
	{"demo: custom events", "", []string{"order.*"}, hub.SigningStandard},
}

// demoMessages is what the demo's channels begin with.
var demoMessages = []struct{ channel, content string }{
	{"engineering", "Welcome to the **engineering** channel. Post here with `curl`, and watch it arrive without a reload."},
	{"engineering", "deploy finished: `web` 1.42.0 on *eu-1*"},
	{"random", "> Nothing ever arrives twice.\n\n…unless it had to."},
}

// SeedDemo fills the hub with channels, messages and a webhook of each kind,
// and mounts a receiver that verifies and logs what the outgoing ones send. It
// is called before Run; what is there already is left alone. It returns the URL
// of the demo's incoming webhook when it was made just now.
func (a *App) SeedDemo(ctx context.Context) (incomingURL string, err error) {
	verify, err := webhook.NewVerifier(demoSecret)
	if err != nil {
		return "", err
	}
	a.server.Mux().HandleFunc("POST "+demoPath+"{name}", func(w http.ResponseWriter, r *http.Request) { a.demoReceive(w, r, verify) })
	owner, err := a.chat.User(ctx, a.defaults.Owner)
	if err != nil {
		return "", err
	}
	actor := hub.Actor{UserID: owner.ID, Username: owner.Username, Role: hub.RoleOwner, Scope: hub.ScopeAdmin}
	existing, err := a.control.Outgoings(ctx, actor)
	if err != nil {
		return "", err
	}
	for _, w := range existing {
		if w.Name == demoWebhooks[0].name {
			return "", a.moveDemo(ctx, actor, existing)
		}
	}
	// The webhooks first: they tell of the messages.
	if err := a.seedOutgoing(ctx, actor); err != nil {
		return "", err
	}
	return a.seedChannels(ctx, actor)
}

func (a *App) seedChannels(ctx context.Context, actor hub.Actor) (incomingURL string, err error) {
	ids := make(map[string]hub.ChannelID)
	for _, name := range []string{"engineering", "random"} {
		c, err := a.control.CreateChannel(ctx, actor, chat.NewChannel{Name: name})
		if err != nil {
			return "", err
		}
		ids[name] = c.ID
	}
	for _, m := range demoMessages {
		if _, err := a.control.Post(ctx, actor, ids[m.channel], control.Draft{Content: m.content}); err != nil {
			return "", err
		}
	}
	_, shown, err := a.control.CreateIncoming(ctx, actor, control.IncomingChange{
		Name: control.Set("demo: build server"), ChannelID: control.Set(ids["engineering"]),
	})
	if err != nil {
		return "", err
	}
	return shown.URL.Reveal(), nil
}

func (a *App) seedOutgoing(ctx context.Context, actor hub.Actor) error {
	for i, w := range demoWebhooks {
		c := control.OutgoingChange{
			Name: control.Set(w.name), URL: control.Set(a.demoTarget(i)), Secret: control.Set(demoSecret),
			Events: control.Set(w.events), Signing: control.Set(w.signing),
		}
		if w.filter != "" {
			c.Filter = control.Set(json.RawMessage(w.filter))
		}
		if _, _, err := a.control.CreateOutgoing(ctx, actor, c); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) demoTarget(i int) string {
	return "http://" + a.listening + demoPath + string(rune('1'+i))
}

// moveDemo points the demo's webhooks at the address of this run.
func (a *App) moveDemo(ctx context.Context, actor hub.Actor, existing []control.Outgoing) error {
	for _, w := range existing {
		for i, d := range demoWebhooks {
			if w.Name != d.name || w.URL == a.demoTarget(i) {
				continue
			}
			if _, err := a.control.UpdateOutgoing(ctx, actor, w.ID, "", control.OutgoingChange{URL: control.Set(a.demoTarget(i))}); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoReceive takes a delivery as any receiver would.
func (a *App) demoReceive(w http.ResponseWriter, r *http.Request, verify *webhook.Verifier) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, demoBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := verify.Verify(r.Header, body); err != nil {
		a.log.Warn("demo receiver refused a delivery", "error", err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	a.log.Info("demo receiver took a delivery", "webhook", r.PathValue("name"), "event", r.Header.Get("X-Webhook-Event"),
		"id", r.Header.Get("webhook-id"), "attempt", r.Header.Get("X-Webhook-Attempt"), "bytes", len(body))
	w.WriteHeader(http.StatusNoContent)
}
