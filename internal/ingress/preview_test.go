package ingress

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/markup"
)

// Preview tells what the chat would make of a post, as far as tests look at it.
func (c *fakeChat) Preview(_ context.Context, p chat.Post, uploads []hub.Attachment) (hub.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return hub.Message{}, c.err
	}
	return hub.Message{Author: p.Author, Content: contentOf(&p), Embeds: embedsOf(&p), Files: append(uploads, p.Remote...)}, nil
}

const (
	anyJSON  = `{"host":"db-1","what":{"name":"Disk full"},"state":"firing","id":7}`
	withFile = "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nhello\r\n--X--\r\n"
)

func TestPreview(t *testing.T) {
	mapped := `{"title":"{/host}: {/what/name}","color":"/state","key":"/host"}`
	another, none, key := `{"text":"{/state}","key":"/host"}`, "", "k-{/host}"
	plain := []hub.Embed{{Fields: []hub.EmbedField{{Name: "Host", Value: "db-1", Inline: true}}}}
	for name, test := range map[string]struct {
		hook          hub.IncomingWebhook
		call          hub.Call
		fieldMap, key *string
		want          hub.Reading
	}{
		"as its sender": {
			call: hub.Call{Body: []byte(`{"text":"*hi* <https://a.example|b>","icon_emoji":":x:","username":"ci"}`), Query: "thread=t1&key=k1"},
			want: hub.Reading{
				Dialect: "slack", RecognisedBy: "the field icon_emoji", Key: "call:k1", Thread: "t1",
				Message: hub.Message{Content: "**hi** [b](https://a.example)", Author: hub.Author{Username: "❌ ci"}},
			},
		},
		"by the suffix": {
			call: hub.Call{Dialect: "mattermost", RecognisedBy: bySuffix, Body: []byte(`{"text":"*hi*"}`)},
			want: hub.Reading{Dialect: "mattermost", RecognisedBy: bySuffix, Message: hub.Message{Content: "*hi*"}},
		},
		"as a card": {
			call: hub.Call{Body: []byte(`{"host":"db-1"}`)},
			want: hub.Reading{Dialect: "card", RecognisedBy: "any other JSON", Message: hub.Message{Embeds: plain}},
		},
		"by the webhook's mapping": {
			hook: hub.IncomingWebhook{FieldMap: mapped, KeyTemplate: "/id"}, call: hub.Call{Body: []byte(anyJSON)},
			want: hub.Reading{
				Dialect: "card", RecognisedBy: "the webhook's field mapping", Key: "template:7",
				Message: hub.Message{Embeds: []hub.Embed{{Title: "db-1: Disk full", Color: "#d1242f"}}},
			},
		},
		"by another mapping": {
			hook: hub.IncomingWebhook{FieldMap: mapped, KeyTemplate: "/id"}, call: hub.Call{Body: []byte(anyJSON)},
			fieldMap: &another, key: &none,
			want: hub.Reading{
				Dialect: "card", RecognisedBy: "the webhook's field mapping", Key: "map:db-1", Message: hub.Message{Content: "firing"},
			},
		},
		"by a mapping that finds nothing": {
			hook: hub.IncomingWebhook{FieldMap: `{"title":"/not","link":"/host"}`}, call: hub.Call{Body: []byte(`{"host":"db-1"}`)},
			want: hub.Reading{
				Dialect: "card", RecognisedBy: "the webhook's field mapping", Message: hub.Message{Embeds: plain},
				Remarks: "The field mapping found neither a title nor a text, so everything is shown. " +
					"The field mapping has nothing that can be shown for: title, link.",
			},
		},
		"without the webhook's mapping": {
			hook: hub.IncomingWebhook{FieldMap: mapped}, call: hub.Call{Body: []byte(`{"host":"db-1"}`)}, fieldMap: &none, key: &key,
			want: hub.Reading{Dialect: "card", RecognisedBy: "any other JSON", Key: "template:k-db-1", Message: hub.Message{Embeds: plain}},
		},
		"a file": {
			call: hub.Call{
				Dialect: "discord", RecognisedBy: bySuffix,
				Headers: map[string]string{"Content-Type": "multipart/form-data; boundary=X"}, Body: []byte(withFile),
			},
			want: hub.Reading{
				Dialect: "discord", RecognisedBy: bySuffix, Message: hub.Message{Files: []hub.Attachment{{Filename: "a.txt", Size: 5}}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *Options, h *hub.IncomingWebhook) {
				h.Enabled, h.FieldMap, h.KeyTemplate = false, test.hook.FieldMap, test.hook.KeyTemplate
			})
			w.in.Gate = func() error { return hub.Errorf(hub.StorageFull, "Full.") } // nothing is stored
			c := test.call
			c.ID, c.IncomingID, c.BodySize = "call", "hook", int64(len(c.Body))
			w.store.logged["call"] = c
			got, err := w.in.Preview(t.Context(), "call", test.fieldMap, test.key)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			want.Message.Author.ID, want.Message.Author.Kind = "user", hub.UserWebhook
			if want.Message.Author.Username == "" {
				want.Message.Author.DisplayName = "Builds"
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(w.chat.posts) != 0 || len(w.store.calls) != 0 {
				t.Error("posted or logged")
			}
		})
	}
}

// TestPreviewOfLosses: what cannot be shown is named.
func TestPreviewOfLosses(t *testing.T) {
	w := newWorld(t)
	body := `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}},
		{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Go"},"action_id":"a"}]}]}`
	w.store.logged["call"] = hub.Call{ID: "call", IncomingID: "hook", Body: []byte(body)}
	got, err := w.in.Preview(t.Context(), "call", nil, nil)
	if err != nil || len(got.Losses) != 1 || got.Losses[0].Count != 1 || got.Losses[0].Done != string(markup.AsText) {
		t.Errorf("%+v, %v", got.Losses, err)
	}
}

func TestPreviewRefuses(t *testing.T) {
	wrong, list, badKey := `{"title":"{","text":5}`, `[]`, "/~"
	for name, test := range map[string]struct {
		change        func(*world, *hub.Call)
		fieldMap, key *string
		want          hub.Code
		fields        string
	}{
		"no body":      {change: func(_ *world, c *hub.Call) { c.Body = nil }, want: hub.Conflict},
		"cut":          {change: func(_ *world, c *hub.Call) { c.BodySize = maxLogged + 1 }, want: hub.Conflict},
		"an edit":      {change: func(_ *world, c *hub.Call) { c.Verdict = "edited" }, want: hub.Conflict},
		"unknown":      {change: func(_ *world, c *hub.Call) { c.ID = "other" }, want: hub.NotFound},
		"webhook gone": {change: func(_ *world, c *hub.Call) { c.IncomingID = "gone" }, want: hub.NotFound},
		"nothing":      {change: func(_ *world, c *hub.Call) { c.Body = []byte(`{"a":null}`) }, want: hub.Invalid},
		"chat refuses": {change: func(w *world, _ *hub.Call) { w.chat.err = hub.Errorf(hub.Invalid, "I.") }, want: hub.Invalid},
		"wrong fields": {fieldMap: &wrong, key: &badKey, want: hub.Invalid, fields: "keyTemplate fieldMap.text fieldMap.title"},
		"no map":       {fieldMap: &list, want: hub.Invalid, fields: "fieldMap"},
	} {
		w := newWorld(t)
		c := hub.Call{ID: "call", IncomingID: "hook", Body: []byte("x"), BodySize: 1}
		if test.change != nil {
			test.change(w, &c)
		}
		w.store.logged[c.ID] = c
		_, err := w.in.Preview(t.Context(), "call", test.fieldMap, test.key)
		if hub.CodeOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
		for field := range strings.FieldsSeq(test.fields) {
			if !strings.Contains(err.Error(), "; "+field+": ") {
				t.Errorf("%s: %s is not named: %v", name, field, err)
			}
		}
	}
}

func TestDialects(t *testing.T) {
	all := newWorld(t).in.Dialects()
	if len(all) != len(dialects.Names()) || all[0] != (hub.Dialect{Name: "nself-chat", Title: "nself-chat"}) {
		t.Errorf("%+v", all)
	}
	for _, d := range all {
		if d.Name == "" || d.Title == "" {
			t.Errorf("%+v", d)
		}
	}
}
