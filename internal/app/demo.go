package app

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"

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
// is called before Run. Each part that is there already is left alone, so that
// what was interrupted is completed; the webhooks are pointed at the address of
// this run. It returns the URL of the demo's incoming webhook when it was made
// just now.
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
	return a.seedAll(ctx, hub.Actor{UserID: owner.ID, Username: owner.Username, Role: hub.RoleOwner, Scope: hub.ScopeAdmin})
}

// seedAll makes what is missing of the demo.
func (a *App) seedAll(ctx context.Context, actor hub.Actor) (incomingURL string, err error) {
	// The webhooks first: they tell of the messages.
	if err := a.seedOutgoing(ctx, actor); err != nil {
		return "", err
	}
	channels, err := a.seedChannels(ctx, actor)
	if err != nil {
		return "", err
	}
	return a.seedIncoming(ctx, actor, channels["engineering"])
}

// seedOutgoing makes the webhooks that are missing, and points the others at
// the address of this run.
func (a *App) seedOutgoing(ctx context.Context, actor hub.Actor) error {
	all, err := a.control.Outgoings(ctx, actor)
	if err != nil {
		return err
	}
	for i, d := range demoWebhooks {
		target := a.demoTarget(i)
		at := slices.IndexFunc(all, func(w control.Outgoing) bool { return w.Name == d.name })
		switch {
		case at < 0:
			c := control.OutgoingChange{
				Name: control.Set(d.name), URL: control.Set(target), Secret: control.Set(demoSecret),
				Events: control.Set(d.events), Signing: control.Set(d.signing),
			}
			if d.filter != "" {
				c.Filter = control.Set(json.RawMessage(d.filter))
			}
			_, _, err = a.control.CreateOutgoing(ctx, actor, c)
		case all[at].URL != target:
			_, err = a.control.UpdateOutgoing(ctx, actor, all[at].ID, "", control.OutgoingChange{URL: control.Set(target)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// demoTarget is the URL of the i-th webhook: the demo's receiver, as the hub
// itself reaches it.
func (a *App) demoTarget(i int) string {
	address := a.listening
	if host, port, err := net.SplitHostPort(address); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
			address = net.JoinHostPort(demoLoopback.String(), port)
		}
	}
	return "http://" + address + demoPath + string(rune('1'+i))
}

// demoLoopback is where a hub that listens on all addresses reaches itself.
var demoLoopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// demoAllow is what the demo opens to webhooks besides: the one address at
// which the hub reaches its own receiver. addr is the one to listen on.
func demoAllow(addr string) []netip.Prefix {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if host == "" || err == nil && ip.IsUnspecified() {
		ip, err = demoLoopback, nil
	}
	if err != nil {
		return nil
	}
	return []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}
}

// seedChannels makes the channels that are missing, and lets those that are
// empty begin with something.
func (a *App) seedChannels(ctx context.Context, actor hub.Actor) (map[string]hub.ChannelID, error) {
	ids, empty := make(map[string]hub.ChannelID), make(map[string]bool)
	for _, name := range []string{"engineering", "random"} {
		c, err := a.chat.ChannelByName(ctx, name)
		if hub.CodeOf(err) == hub.NotFound {
			c, err = a.control.CreateChannel(ctx, actor, chat.NewChannel{Name: name})
		}
		if err != nil {
			return nil, err
		}
		found, _, err := a.control.Messages(ctx, actor, chat.MessageQuery{ChannelID: c.ID, Limit: 1})
		if err != nil {
			return nil, err
		}
		ids[name], empty[name] = c.ID, len(found) == 0 && !c.IsArchived
	}
	for _, m := range demoMessages {
		if !empty[m.channel] {
			continue
		}
		if _, err := a.control.Post(ctx, actor, ids[m.channel], control.Draft{Content: m.content}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// demoIncoming is the name of the demo's incoming webhook.
const demoIncoming = "demo: build server"

func (a *App) seedIncoming(ctx context.Context, actor hub.Actor, channel hub.ChannelID) (url string, err error) {
	all, err := a.control.Incomings(ctx, actor)
	if err != nil || slices.ContainsFunc(all, func(w hub.IncomingWebhook) bool { return w.Name == demoIncoming }) {
		return "", err
	}
	_, shown, err := a.control.CreateIncoming(ctx, actor, control.IncomingChange{
		Name: control.Set(demoIncoming), ChannelID: control.Set(channel),
	})
	return shown.URL.Reveal(), err
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
