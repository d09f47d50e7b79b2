package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/control"
)

// The demo begins on a hub that listens on all addresses, as in a container,
// and its webhooks reach the receiver.
func TestDemoOnAllAddresses(t *testing.T) {
	a := newTestAppOf(t, map[string]string{"HUB_ADDR": ":0"}, Options{Log: slog.New(slog.DiscardHandler), Demo: true})
	url, err := a.SeedDemo(t.Context())
	if err != nil || !strings.Contains(url, "/api/webhooks/incoming/") {
		t.Fatalf("%q, %v", url, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(ctx, func() { close(ready) }) }()
	<-ready
	await(t, a, "the demo's deliveries succeed", func(x exposition) bool { return x.values["hub_deliveries success"] >= 9 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Channels that are there already are used, what is missing is made, and a
// second start makes nothing more.
func TestDemoOnAHubInUse(t *testing.T) {
	a := newTestApp(t, nil)
	defer closeApp(t, a)
	ctx := t.Context()
	actor := hub.Actor{UserID: a.defaults.Owner, Role: hub.RoleOwner, Scope: hub.ScopeAdmin}
	random, err := a.control.CreateChannel(ctx, actor, chat.NewChannel{Name: "random", Type: hub.ChannelPrivate})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.control.Post(ctx, actor, random.ID, control.Draft{Content: "ours"}); err != nil {
		t.Fatal(err)
	}
	// An earlier demo ended after its first webhook, at another address.
	_, _, err = a.control.CreateOutgoing(ctx, actor, control.OutgoingChange{
		Name: control.Set(demoWebhooks[0].name), URL: control.Set("http://127.0.0.1:1/"), Events: control.Set(demoWebhooks[0].events),
	})
	if err != nil {
		t.Fatal(err)
	}
	for round, want := range []bool{true, false} {
		url, err := a.seedAll(ctx, actor)
		if err != nil || (url != "") != want {
			t.Fatalf("start %d: %q, %v", round, url, err)
		}
		outgoing, err := a.control.Outgoings(ctx, actor)
		if err != nil || len(outgoing) != len(demoWebhooks) {
			t.Errorf("start %d: %d webhooks, %v", round, len(outgoing), err)
		}
		for i, w := range outgoing {
			if w.Name != demoWebhooks[i].name || w.URL != a.demoTarget(i) {
				t.Errorf("start %d: %s is at %s", round, w.Name, w.URL)
			}
		}
		for channel, want := range map[string]int{"random": 1, "engineering": 2} {
			c, err := a.chat.ChannelByName(ctx, channel)
			if err != nil {
				t.Fatal(err)
			}
			found, _, err := a.control.Messages(ctx, actor, chat.MessageQuery{ChannelID: c.ID})
			if err != nil || len(found) != want {
				t.Errorf("start %d: %d messages in %s, %v", round, len(found), channel, err)
			}
		}
	}
}

func TestDemoAllow(t *testing.T) {
	for addr, want := range map[string]string{
		":8000": "127.0.0.1/32", "0.0.0.0:8000": "127.0.0.1/32", "[::]:8000": "127.0.0.1/32", "192.168.1.2:80": "192.168.1.2/32",
		"[::1]:80": "::1/128", "some.name:80": "",
	} {
		got := ""
		for _, p := range demoAllow(addr) {
			got += p.String()
		}
		if got != want {
			t.Errorf("%s opens %q, want %q", addr, got, want)
		}
	}
}
