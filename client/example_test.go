package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/webhook"
)

// example serves answers of a hub, by method and path, until done is called.
func example(answers map[string]string) (c *client.Client, done func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		kind, answer := "application/json", answers[r.Method+" "+r.URL.Path]
		switch {
		case strings.HasSuffix(r.URL.Path, "/stream"):
			kind = "text/event-stream"
		case answer == "":
			kind, answer = "application/problem+json", `{"title":"Not Found","status":404,"code":"not_found","detail":"There is no such channel."}`
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, answer)
	}))
	c, err := client.New(server.URL, "hub_example", client.WithUserAgent("example"))
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		http.DefaultClient.CloseIdleConnections() // they are of the default transport
		server.Close()
	}
}

func Example() {
	c, done := example(map[string]string{
		"POST /api/outgoing-webhooks": `{"id":"w1","name":"orders","secret":"whsec_c2VjcmV0","state":"active"}`,
		"POST /api/events":            `{"eventId":"e1","deliveries":1}`,
		"GET /api/deliveries":         `{"items":[{"id":"d1","status":"failed","lastError":"connection refused"}]}`,
	})
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	hook, err := c.CreateOutgoingWebhook(ctx, client.OutgoingWebhookFields{
		Name:   client.Set("orders"),
		URL:    client.Set("https://shop.example/hub"),
		Events: client.Set([]string{"message.*", "order.created"}),
	})
	if err != nil {
		log.Fatal(err)
	}
	sent, err := c.Publish(ctx, client.Publication{
		Event: "order.created", Data: map[string]any{"order": 4711, "total": 99.5}, Key: "order-4711",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("event %s went to %d webhook\n", sent.EventID, sent.Deliveries)
	for delivery, err := range c.Deliveries(ctx, client.DeliveryQuery{WebhookID: hook.ID, Status: "failed"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("delivery %s failed: %s\n", delivery.ID, delivery.LastError)
	}
	// Output:
	// event e1 went to 1 webhook
	// delivery d1 failed: connection refused
}

func ExampleError() {
	c, done := example(nil)
	defer done()
	_, err := c.PostMessage(context.Background(), "c1", client.NewMessage{Content: "Hello"})
	var refusal *client.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Status, refusal.Detail)
	}
	fmt.Println(client.CodeOf(err) == client.CodeNotFound)
	// Output:
	// 404 There is no such channel.
	// true
}

// A change is made only while nobody else made one.
func ExampleIfMatch() {
	c, done := example(map[string]string{
		"GET /api/channels/c1":   `{"id":"c1","name":"general","topic":"work","version":"7"}`,
		"PATCH /api/channels/c1": `{"id":"c1","name":"general","topic":"more work"}`,
	})
	defer done()
	ch, err := c.Channel(context.Background(), "c1")
	if err != nil {
		log.Fatal(err)
	}
	ch, err = c.UpdateChannel(context.Background(), ch.ID, client.ChannelChange{Topic: client.Set("more " + ch.Topic)}, client.IfMatch(ch.Version))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ch.Topic)
	// Output: more work
}

// One page at a time, as a page of a website would show them.
func ExampleWithCursor() {
	c, done := example(map[string]string{"GET /api/users": `{"items":[{"username":"ada"},{"username":"bob"}],"nextCursor":"dXNlcjpib2I"}`})
	defer done()
	place := "" // from the address of the page; "": the first one
	users, err := client.Collect(c.Users(context.Background(), client.WithLimit(2), client.WithCursor(&place)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(users), "users; the next page begins at", place)
	// Output: 2 users; the next page begins at dXNlcjpib2I
}

func ExampleClient_Events() {
	c, done := example(map[string]string{"GET /api/events/stream": "id: 41\nretry: 2000\n\n" +
		"id: 42\nevent: message.created\ndata: {\"seq\":42,\"id\":\"e1\",\"event\":\"message.created\",\"data\":{\"content\":\"Hello\"}}\n\n"})
	defer done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	last := client.Now // or the Seq that was kept before the last restart
	for event, err := range c.Events(ctx, last, client.WithPattern("message.*"), client.WithBreaks(func(err error) { log.Print(err) })) {
		if err != nil {
			log.Fatal(err)
		}
		data, err := webhook.Event{Event: event.Event, Data: event.Data}.Typed()
		if err != nil {
			log.Fatal(err)
		}
		if m, ok := data.(*webhook.MessageData); ok {
			fmt.Println(event.Event, m.Content)
		}
		last = event.Seq // keep it
		break
	}
	fmt.Println("goes on after", last)
	// Output:
	// message.created Hello
	// goes on after 42
}

func ExampleClient_Upload() {
	c, done := example(map[string]string{
		"POST /api/files":                `{"id":"f1","filename":"doc.go"}`,
		"POST /api/channels/c1/messages": `{"id":"m1","attachments":[{"id":"f1","filename":"doc.go"}]}`,
	})
	defer done()
	content, err := os.Open("doc.go")
	if err != nil {
		log.Fatal(err)
	}
	defer content.Close()
	file, err := c.Upload(context.Background(), "doc.go", content)
	if err != nil {
		log.Fatal(err)
	}
	message, err := c.PostMessage(context.Background(), "c1", client.NewMessage{Content: "Read this.", FileIDs: []string{file.ID}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(message.Attachments[0].Filename)
	// Output: doc.go
}
