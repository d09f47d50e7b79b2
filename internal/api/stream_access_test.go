package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// TestStreamOfOneChannel: a stream of a channel has what happens there and nothing
// else, also when it is resumed; there is none of a channel that may not be seen.
func TestStreamOfOneChannel(t *testing.T) {
	r := newRig(t)
	open, secret := r.makeChannel("open", "public"), r.makeChannel("secret", "private")
	after := "&after=0"
	s, both := r.stream("reader", "?channelId="+string(open)), r.stream("reader", "?event=message.*&channelId="+string(open)+after)
	r.post("owner", r.defaults.General, "elsewhere")
	r.publishAs("owner", map[string]any{"event": "of.none", "data": 1})
	m := r.post("owner", open, "here")
	for _, one := range []*events{s, both, r.stream("reader", "?event=message.*&channelId="+string(open)+after)} {
		if _, e, ok := one.next(); !ok || e.ChannelID != open || e.Event != hub.EventMessageCreated || !strings.Contains(string(e.Data), string(m.ID)) {
			t.Errorf("%t: %+v", ok, e)
		}
	}
	for _, as := range []string{"reader", "guest", "restricted"} {
		r.call(as, http.MethodGet, "/api/events/stream?channelId="+string(secret), nil).refused(http.StatusNotFound, hub.NotFound)
	}
	r.call("owner", http.MethodGet, "/api/events/stream?channelId=x", nil).refused(http.StatusNotFound, hub.NotFound)
	r.call("restricted", http.MethodGet, "/api/events/stream?channelId="+string(open), nil).refused(http.StatusNotFound, hub.NotFound)
}

// TestStreamForgetsMembers: who is taken out of a private channel, or made a guest,
// sees no more of it in a stream that is open.
func TestStreamForgetsMembers(t *testing.T) {
	for name, end := range map[string]func(r *rig, member string){
		"no member any more": func(r *rig, member string) {
			r.call("owner", http.MethodDelete, member, nil).want(http.StatusNoContent, nil)
		},
		"a guest": func(r *rig, _ string) {
			r.call("owner", http.MethodPatch, "/api/users/"+string(r.users["reader"].ID), `{"role": "guest"}`).want(http.StatusOK, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			secret := r.makeChannel("secret", "private")
			member := "/api/channels/" + string(secret) + "/members/" + string(r.users["reader"].ID)
			r.call("owner", http.MethodPut, member, nil).want(http.StatusOK, nil)
			all, one := r.stream("reader", "?event=message.*"), r.stream("reader", "?event=message.*&channelId="+string(secret))
			seen := r.post("owner", secret, "for members")
			for _, s := range []*events{all, one} {
				if _, e := s.until(hub.EventMessageCreated); !strings.Contains(string(e.Data), string(seen.ID)) {
					t.Fatalf("a member misses it: %s", e.Data)
				}
			}
			end(r, member)
			hiddenOne := r.post("owner", secret, "not for them")
			shown := r.post("owner", r.defaults.General, "for all")
			if _, e := all.until(hub.EventMessageCreated); strings.Contains(string(e.Data), string(hiddenOne.ID)) || !strings.Contains(string(e.Data), string(shown.ID)) {
				t.Errorf("got %s", e.Data)
			}
		})
	}
}

// TestStreamEndsWithTheAccess: what happens after a token was revoked, or its user
// shut out, is not streamed any more, however long a sign of life takes.
func TestStreamEndsWithTheAccess(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Heartbeat = time.Hour })
	for as, end := range map[string]func(){
		"reader": func() {
			r.call("owner", http.MethodDelete, "/api/tokens/"+string(r.tokenID("reader")), nil).want(http.StatusNoContent, nil)
		},
		"writer": func() {
			r.call("owner", http.MethodPatch, "/api/users/"+string(r.users["writer"].ID), `{"status": "suspended"}`).want(http.StatusOK, nil)
		},
	} {
		s := r.stream(as, "?event=live.*")
		r.publishAs("owner", map[string]any{"event": "live.before", "data": 1})
		s.until("live.before")
		end()
		r.publishAs("owner", map[string]any{"event": "live.after", "data": 1})
		if _, e, ok := s.next(); ok {
			t.Errorf("%s still gets %+v", as, e)
		}
	}
}

// TestStreamGivesSignsOfLife: a quiet stream says now and then that it is there.
func TestStreamGivesSignsOfLife(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Heartbeat = time.Millisecond })
	s := r.stream("reader", "?event=never.*")
	signs := 0
	for signs < 3 && s.scan.Scan() {
		if strings.HasPrefix(s.scan.Text(), ": ") {
			signs++
		}
	}
	if signs < 3 {
		t.Errorf("%d signs, %v", signs, s.scan.Err())
	}
}

// TestEventsOfManyPrivateChannels: however many private channels there are, a member
// sees what happens in theirs, in the list and in the stream, and nothing of others.
func TestEventsOfManyPrivateChannels(t *testing.T) {
	r := newRig(t)
	const channels = 24 // more than are asked about one by one
	shown := make(map[hub.MessageID]bool)
	for i := range channels {
		secret := r.makeChannel(fmt.Sprintf("secret-%d", i), "private")
		if i%2 == 0 {
			r.call("owner", http.MethodPut, "/api/channels/"+string(secret)+"/members/"+string(r.users["reader"].ID), nil).want(http.StatusOK, nil)
		}
		shown[r.post("owner", secret, "said").ID] = i%2 == 0
	}
	last := r.post("owner", r.defaults.General, "for all")
	shown[last.ID] = true
	seen := make(map[hub.MessageID]bool)
	note := func(e Event) hub.MessageID {
		var data struct{ MessageID hub.MessageID }
		must(t, json.Unmarshal(e.Data, &data))
		if !shown[data.MessageID] {
			t.Errorf("the reader is shown %s", e.Data)
		}
		seen[data.MessageID] = true
		return data.MessageID
	}
	var l struct{ Items []Event }
	r.call("reader", http.MethodGet, "/api/events?limit=500&event=message.created", nil).want(http.StatusOK, &l)
	for _, e := range l.Items {
		note(e)
	}
	if len(seen) != channels/2+1 {
		t.Errorf("the list has %d messages", len(seen))
	}
	clear(seen)
	s := r.stream("reader", "?event=message.created&after=0")
	for {
		if _, e, ok := s.next(); !ok || note(e) == last.ID {
			break
		}
	}
	if len(seen) != channels/2+1 {
		t.Errorf("the stream has %d messages", len(seen))
	}
}
