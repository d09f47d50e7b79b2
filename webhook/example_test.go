package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nself-chat/hub/webhook"
)

const exampleSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// request is what the hub would send.
func request(body string) *http.Request {
	now := time.Now()
	signature, err := webhook.SignStandard(exampleSecret, "d1", now, []byte(body))
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	r.Header.Set(webhook.HeaderID, "d1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, signature)
	r.Header.Set(webhook.HeaderBodySignature, webhook.SignBody(exampleSecret, []byte(body)))
	return r
}

func ExampleHandler() {
	hook := webhook.Handler(exampleSecret, func(_ context.Context, e webhook.Event) error {
		data, err := e.Typed()
		if err != nil {
			return err
		}
		switch data := data.(type) {
		case *webhook.MessageData:
			fmt.Printf("%s: %s in %s: %s\n", e.Event, data.User.Username, data.Channel.Name, data.Message.Content)
		default:
			fmt.Println("not interested in", e.Event)
		}
		return nil
	})

	answer := httptest.NewRecorder()
	hook.ServeHTTP(answer, request(`{"id":"d1","event":"message.created","webhookId":"w1",
		"timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":{
			"message":{"id":"m1","channelId":"c1","userId":"u1","content":"Hello!","type":"text","createdAt":"2026-02-01T12:00:00Z"},
			"channel":{"id":"c1","name":"general","type":"public"},"user":{"id":"u1","username":"john","displayName":"John Doe"}}}`))
	fmt.Println(answer.Code)
	// Output:
	// message.created: john in general: Hello!
	// 204
}

// An event that comes again is handled once. The ids of a real receiver are in
// its database, written in the transaction of what it does.
func ExampleHandler_once() {
	var mu sync.Mutex
	done := make(map[string]bool)
	hook := webhook.Handler(exampleSecret, func(_ context.Context, e webhook.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if done[e.ID] {
			return nil
		}
		fmt.Println("ordered", string(e.Data))
		done[e.ID] = true
		return nil
	})
	for range 2 {
		answer := httptest.NewRecorder()
		hook.ServeHTTP(answer, request(`{"id":"d1","event":"order.created","webhookId":"w1",
			"timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":{"order":4711}}`))
		fmt.Println(answer.Code)
	}
	// Output:
	// ordered {"order":4711}
	// 204
	// 204
}

// What cannot be handled now comes again later.
func ExampleLater() {
	full := errors.New("the queue is full")
	hook := webhook.Handler(exampleSecret, func(context.Context, webhook.Event) error {
		return webhook.Later(2*time.Minute, full)
	})
	answer := httptest.NewRecorder()
	hook.ServeHTTP(answer, request(`{"id":"d1","event":"a","webhookId":"w1","timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":1}`))
	fmt.Println(answer.Code, answer.Header().Get("Retry-After"))
	// Output: 503 120
}

// A program with its own way of reading requests.
func ExampleVerifier_Event() {
	verifier, err := webhook.NewVerifier([]string{exampleSecret}, webhook.Tolerance(time.Minute))
	if err != nil {
		panic(err)
	}
	r := request(`{"id":"d1","event":"a","webhookId":"w1","timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":1}`)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	event, err := verifier.Event(r.Header, body)
	fmt.Println(event.ID, event.Event, err)
	// Output: d1 a <nil>
}

// While a secret is being replaced, both are given.
func ExampleVerify() {
	body := []byte(`{"id":"d1"}`)
	r := request(string(body))
	fmt.Println(webhook.Verify(exampleSecret, r.Header, body))
	fmt.Println(webhook.Verify([]string{"the-next-one", exampleSecret}, r.Header, body))
	fmt.Println(webhook.Verify("another", r.Header, body))
	// Output:
	// <nil>
	// <nil>
	// webhook: bad signature: no entry matches the body, id, timestamp and secret
}

func ExampleSignBody() {
	fmt.Println(webhook.SignBody("your-secret-key", []byte(`{"hello":"world"}`)))
	// Output: sha256=06a0d38ceefb9be1045a6d5092f2ad1ffe5b27ad69f09cd3c9e9efe1983c7e5f
}

func ExampleEvent_Decode() {
	event, err := webhook.Parse([]byte(`{"id":"d2","event":"build.finished","webhookId":"w1",
		"timestamp":"2026-02-01T12:00:00Z","version":"1.0","data":{"branch":"main","ok":true}}`))
	if err != nil {
		panic(err)
	}
	var build struct {
		Branch string
		OK     bool
	}
	if err := event.Decode(&build); err != nil {
		panic(err)
	}
	fmt.Println(event.Event, build.Branch, build.OK)
	// Output: build.finished main true
}
