package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/webhook"
)

const example = `{"id":"0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b","event":"message.created","webhookId":"w1",
 "timestamp":"2026-02-01T12:00:00Z","version":"1.0",
 "data":{"message":{"id":"m1","channelId":"c1","userId":"u1","content":"Hello!","type":"text","createdAt":"2026-02-01T12:00:00Z"},
         "channel":{"id":"c1","name":"general","type":"public"},"user":{"id":"u1","username":"john","displayName":"John Doe"},
         "messageId":"m1","channelId":"c1","content":"Hello!","author":{"id":"u1","username":"john"},"later":"ignored"},
 "triggeredBy":{"userId":"u1","username":"john"},"later":{"also":"ignored"}}`

func TestParse(t *testing.T) {
	noon := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	event, err := webhook.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	want := webhook.Event{
		ID: "0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b", Event: webhook.MessageCreated, WebhookID: "w1", Timestamp: noon, Version: "1.0",
		Data: event.Data, TriggeredBy: &webhook.Actor{UserID: "u1", Username: "john"},
	}
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var data webhook.MessageData
	if err := event.Decode(&data); err != nil {
		t.Fatal(err)
	}
	wantData := webhook.MessageData{
		Message:   webhook.Message{ID: "m1", ChannelID: "c1", UserID: "u1", Content: "Hello!", Type: "text", CreatedAt: noon},
		Channel:   webhook.Channel{ID: "c1", Name: "general", Type: "public"},
		User:      webhook.User{ID: "u1", Username: "john", DisplayName: "John Doe"},
		MessageID: "m1", ChannelID: "c1", Content: "Hello!", Author: webhook.Author{ID: "u1", Username: "john"},
	}
	if diff := cmp.Diff(wantData, data); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var number int
	if err := event.Decode(&number); !errors.Is(err, webhook.ErrPayload) {
		t.Errorf("data decoded into a number: %v", err)
	}
	if err := (webhook.Event{}).Decode(&data); !errors.Is(err, webhook.ErrPayload) {
		t.Errorf("no data decoded: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":        ``,
		"not JSON":       `S3CR3T`,
		"cut off":        example[:200],
		"two values":     example + example,
		"an array":       `[]`,
		"null":           `null`,
		"a string":       `"S3CR3T"`,
		"no id":          strings.Replace(example, `"id":"0199`, `"x":"0199`, 1),
		"no event":       strings.Replace(example, `"event"`, `"x"`, 1),
		"no time":        strings.Replace(example, `"timestamp"`, `"x"`, 1),
		"bad time":       strings.Replace(example, `2026-02-01T12:00:00Z","version`, `S3CR3T","version`, 1),
		"no version":     strings.Replace(example, `"version"`, `"x"`, 1),
		"version 2":      strings.Replace(example, `"version":"1.0"`, `"version":"2.0"`, 1),
		"version 10":     strings.Replace(example, `"version":"1.0"`, `"version":"10"`, 1),
		"id of a number": strings.Replace(example, `"id":"0199d2f0-7d5e-7c4b-9d5e-7c4b9d5e7c4b"`, `"id":7`, 1),
		"deep":           strings.Repeat("[", 1_000_000),
	} {
		_, err := webhook.Parse([]byte(body))
		if !errors.Is(err, webhook.ErrPayload) {
			t.Errorf("%s: %v, want ErrPayload", name, err)
			continue
		}
		if strings.Contains(err.Error(), "S3CR3T") {
			t.Errorf("%s: the error repeats the body: %v", name, err)
		}
	}
}

// Every type of data the hub sends fits the type that receivers decode it
// into, with nothing lost.
func TestDataIsTheHubs(t *testing.T) {
	pairs := []struct{ hub, receiver any }{
		{&hub.MessageData{}, &webhook.MessageData{}},
		{&hub.ChannelData{}, &webhook.ChannelData{}},
		{&hub.UserData{}, &webhook.UserData{}},
		{&hub.ThreadData{}, &webhook.ThreadData{}},
		{&hub.FileData{}, &webhook.FileData{}},
		{&hub.WebhookTestData{}, &webhook.TestData{}},
		{&hub.WebhookStateData{}, &webhook.StateData{}},
		{&hub.TriggeredBy{}, &webhook.Actor{}},
	}
	for _, pair := range pairs {
		fill(reflect.ValueOf(pair.hub).Elem())
		sent, err := json.Marshal(pair.hub)
		if err != nil {
			t.Fatal(err)
		}
		strict := json.NewDecoder(bytes.NewReader(sent))
		strict.DisallowUnknownFields()
		if err := strict.Decode(pair.receiver); err != nil {
			t.Errorf("%T: %v", pair.hub, err)
			continue
		}
		back, err := json.Marshal(pair.receiver)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(t, sent), decoded(t, back)); diff != "" {
			t.Errorf("%T is not what %T holds (-sent +decoded):\n%s", pair.hub, pair.receiver, diff)
		}
	}
}

func decoded(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// fill gives every field a value that is not its zero value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 2, 1, 12, 0, 0, 123_000, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("text of " + v.Type().Name())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	default:
		panic("no value for a " + v.Type().String())
	}
}

// The names of the events are the hub's, all of them.
func TestEventNames(t *testing.T) {
	want := hub.EventTypes()
	got := []string{
		webhook.MessageCreated, webhook.MessageUpdated, webhook.MessageDeleted, webhook.MessagePinned, webhook.MessageUnpinned,
		webhook.ReactionAdded, webhook.ReactionRemoved,
		webhook.ChannelCreated, webhook.ChannelUpdated, webhook.ChannelDeleted, webhook.ChannelArchived,
		webhook.UserJoined, webhook.UserLeft, webhook.UserCreated, webhook.UserUpdated, webhook.UserDeactivated,
		webhook.ThreadCreated, webhook.ThreadUpdated, webhook.FileUploaded, webhook.FileDeleted,
		webhook.WebhookTest, webhook.WebhookFailing, webhook.WebhookDisabled,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-hub +webhook):\n%s", diff)
	}
}

// Every event of the hub has a type, and what a newer hub sends is passed on.
func TestTyped(t *testing.T) {
	for _, name := range hub.EventTypes() {
		data, err := webhook.Event{Event: name, Data: json.RawMessage(`{"later":1}`)}.Typed()
		if err != nil || reflect.TypeOf(data).Kind() != reflect.Pointer {
			t.Errorf("%s: %T, %v", name, data, err)
		}
		if _, err := (webhook.Event{Event: name, Data: json.RawMessage(`[]`)}).Typed(); !errors.Is(err, webhook.ErrPayload) {
			t.Errorf("%s: an array is taken: %v", name, err)
		}
	}
	event, err := webhook.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	data, err := event.Typed()
	if m, ok := data.(*webhook.MessageData); err != nil || !ok || m.Message.Content != "Hello!" {
		t.Errorf("%+v, %v", data, err)
	}
	event.Event = "order.created"
	if raw, err := event.Typed(); err != nil || !bytes.Equal(raw.(json.RawMessage), event.Data) {
		t.Errorf("%s, %v", raw, err)
	}
}

// FuzzParse: no body makes it panic; what it accepts has the fields every
// event has and survives being encoded again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"id":"1","event":"x","timestamp":"2026-02-01T12:00:00Z","version":"1","data":null}`))
	f.Add([]byte(`{"ID":"1","event":"x","timestamp":"2026-02-01T12:00:00+14:00","version":"1.9","data":{"a":"\ud800"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := webhook.Parse(body)
		if err != nil {
			if !errors.Is(err, webhook.ErrPayload) {
				t.Fatalf("%v is no ErrPayload", err)
			}
			return
		}
		var data webhook.MessageData
		_ = event.Decode(&data) // may not fit; must not panic
		_, _ = event.Typed()
		if event.ID == "" || event.Event == "" || event.Timestamp.IsZero() || !strings.HasPrefix(event.Version, "1") {
			t.Fatalf("accepted %+v", event)
		}
		text, err := json.Marshal(event)
		if err != nil {
			return // a year that RFC 3339 cannot write
		}
		again, err := webhook.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again.ID != event.ID || again.Event != event.Event || !again.Timestamp.Equal(event.Timestamp) {
			t.Fatalf("%+v became %+v", event, again)
		}
	})
}
