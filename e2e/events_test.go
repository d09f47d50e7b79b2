package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	api "github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/webhook"
)

// TestEveryEvent makes every event of the hub happen, and decodes what was sent
// with package webhook: it knows every field that the hub sends, and the hub
// sends every field that it knows.
func TestEveryEvent(t *testing.T) { onBoth(t, testEveryEvent) }

func testEveryEvent(t *testing.T, on database) {
	p, receiver := on.startHub(t), newSink(t)
	w := p.webhookTo(receiver, "/all", []string{"*"}, nil)
	members(t, p)
	conversation(t, p)
	troubles(t, p, receiver, w)

	verifier, err := webhook.NewVerifier(w.Secret)
	if err != nil {
		t.Fatal(err)
	}
	missing := make(map[string]bool)
	eventually(t, "every event", func() bool {
		for _, name := range hub.EventTypes() {
			missing[name] = true
		}
		for _, a := range receiver.arrived("/all") {
			delete(missing, a.Header.Get(webhook.HeaderEvent))
		}
		return len(missing) == 0
	})
	p.drained(patience)
	seen := make(fieldsSeen)
	for _, a := range receiver.arrived("/all") {
		e, err := verifier.Event(a.Header, a.Body)
		if err != nil {
			t.Errorf("%v: %s", err, a.Body)
			continue
		}
		if e.Event != a.Header.Get(webhook.HeaderEvent) || e.ID != a.Header.Get(webhook.HeaderDelivery) || e.WebhookID != w.ID ||
			e.Attempt != 1 || e.Hop != 1 {
			t.Errorf("the event %+v came with the headers %v", e, a.Header)
		}
		var envelope webhook.Event
		strict(t, a.Body, &envelope)
		typed, err := e.Typed()
		if _, custom := typed.(json.RawMessage); err != nil || custom {
			t.Errorf("%s: %v, %T", e.Event, err, typed)
			continue
		}
		strict(t, e.Data, reflect.New(reflect.TypeOf(typed).Elem()).Interface())
		if diff := cmp.Diff(values(t, e.Data), values(t, result(json.Marshal(typed)).must(p))); diff != "" {
			t.Errorf("%s is not what %T holds (-sent +decoded):\n%s", e.Event, typed, diff)
		}
		seen.note(reflect.ValueOf(typed))
		seen.note(reflect.ValueOf(e.TriggeredBy))
	}
	for field, was := range seen {
		if !was {
			t.Errorf("the hub never sent %s", field)
		}
	}
	p.stop()
	p.verify()
}

// members makes the events of users, channels and memberships.
func members(t *testing.T, p *process) {
	ctx, c := t.Context(), p.api()
	ada := result(c.CreateUser(ctx, api.NewUser{Username: "ada", AvatarURL: "https://example.com/ada.png"})).must(p)
	_, err := c.UpdateUser(ctx, ada.ID, api.UserChange{DisplayName: api.Set("Ada L.")})
	p.ok(err)
	team := result(c.CreateChannel(ctx, api.NewChannel{Name: "team", Topic: "work", Description: "us"})).must(p)
	_, err = c.UpdateChannel(ctx, team.ID, api.ChannelChange{Topic: api.Set("more work")})
	p.ok(err)
	_, err = c.SetMember(ctx, team.ID, ada.ID, "")
	p.ok(err)
	p.ok(c.RemoveMember(ctx, team.ID, ada.ID))
	_, err = c.UpdateUser(ctx, ada.ID, api.UserChange{Status: api.Set("inactive")})
	p.ok(err)
	_, err = c.UpdateChannel(ctx, team.ID, api.ChannelChange{IsArchived: api.Set(true)})
	p.ok(err)
	p.ok(c.DeleteChannel(ctx, team.ID))
}

// conversation makes the events of files, messages and threads, with all that a
// message can have.
func conversation(t *testing.T, p *process) {
	ctx, c, general := t.Context(), p.api(), p.general()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	file := result(c.Upload(ctx, "a.png", bytes.NewReader(picture.Bytes()))).must(p)
	const at = "https://example.com/"
	m := result(c.PostMessage(ctx, general, api.NewMessage{
		Content: "Look", FileIDs: []string{file.ID},
		Embeds: []api.Embed{{
			Title: "Title", Description: "Text", URL: at + "1", Color: "#ff0000", AuthorName: "Ada", AuthorURL: at + "2", AuthorIcon: at + "3.png",
			ImageURL: at + "4.png", ThumbURL: at + "5.png", Footer: "Foot", FooterIcon: at + "6.png", Timestamp: "2026-02-01T12:00:00Z",
			Fields: []api.EmbedField{{Name: "n", Value: "v", Inline: true}},
		}},
	})).must(p)
	for _, reply := range []string{"first", "second"} {
		_, err := c.PostMessage(ctx, general, api.NewMessage{Content: reply, ThreadID: m.ID})
		p.ok(err)
	}
	p.edit(m.ID, "Look here")

	in := p.incoming(map[string]any{"name": "in", "targetChannelId": general})
	p.curl(in.Token, `{"content":"with a file that lives elsewhere","username":"CI","attachments":[{"url":"`+at+`7.png","filename":"7.png"}]}`)

	bob := result(c.CreateUser(ctx, api.NewUser{Username: "bob", Role: "admin"})).must(p)
	other := *p
	other.token = result(c.CreateToken(ctx, api.NewToken{Name: "bob", Scope: "admin", UserID: bob.ID})).must(p).Token
	p.ok(other.api().React(ctx, m.ID, "👍"))
	p.ok(other.api().Unreact(ctx, m.ID, "👍"))
	p.ok(c.PinMessage(ctx, m.ID))
	p.ok(c.UnpinMessage(ctx, m.ID))
	p.ok(c.DeleteFile(ctx, file.ID))
	p.ok(c.DeleteMessage(ctx, m.ID))
}

// troubles makes the events of webhooks.
func troubles(t *testing.T, p *process, receiver *sink, w hook) {
	_, err := p.api().TestOutgoingWebhook(t.Context(), w.ID)
	p.ok(err)
	receiver.answers("/dead", http.StatusInternalServerError)
	receiver.answers("/gone", http.StatusGone)
	p.webhookTo(receiver, "/dead", []string{"user.created"}, map[string]any{"maxRetries": 0})
	p.webhookTo(receiver, "/gone", []string{"user.created"}, nil)
	_, err = p.api().CreateUser(t.Context(), api.NewUser{Username: "trouble"})
	p.ok(err)
}

// strict decodes JSON that may have no other fields than into.
func strict(t *testing.T, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Errorf("%T: %v in %s", into, err, text)
	}
}

func values(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// fieldsSeen are the fields of package webhook's structs, and whether one was
// sent.
type fieldsSeen map[string]bool

func (f fieldsSeen) note(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			f.note(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			f.note(v.Index(i))
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "time" {
			return
		}
		for i := range v.NumField() {
			name := v.Type().String() + "." + v.Type().Field(i).Name
			f[name] = f[name] || !v.Field(i).IsZero()
			f.note(v.Field(i))
		}
	}
}
