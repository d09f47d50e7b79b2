package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of one answer of the hub.
const maxAnswer = 16 << 20

// hubClient calls a hub's HTTP API with an admin token. It is safe for concurrent use.
type hubClient struct {
	base  string
	token string
	http  *http.Client
	wires *wirePool // for the load itself
}

// newHubClient makes a client that keeps up to conns connections open. The caller must close it.
func newHubClient(h *hubProcess, conns int) *hubClient {
	return &hubClient{base: h.base, token: h.token, wires: newWirePool(h.base, h.token, conns), http: &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns: conns, MaxIdleConnsPerHost: conns, DisableCompression: true,
		},
	}}
}

func (c *hubClient) close() {
	c.http.CloseIdleConnections()
	c.wires.close()
}

// post sends one request of the load and decodes the answer as send does.
func (c *hubClient) post(ctx context.Context, path string, body []byte, want int, out any) error {
	status, answer, err := c.wires.post(ctx, path, body)
	if err != nil {
		return err
	}
	call := http.MethodPost + " " + redactedPath(path)
	if status != want {
		return &refusal{call: call, status: status, detail: string(answer[:min(len(answer), 300)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return nil
}

// refusal is an answer other than the wanted one.
type refusal struct {
	call   string
	status int
	detail string
}

// Error names the call, the status and what the hub said.
func (r *refusal) Error() string { return fmt.Sprintf("%s: status %d: %s", r.call, r.status, r.detail) }

// send makes one request and decodes the answer into out, unless out is nil. An answer with a status other than want is a
// *refusal; any other error means that there was no (whole) answer.
func (c *hubClient) send(ctx context.Context, method, path string, body []byte, want int, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.exchange(req, want, out)
}

func (c *hubClient) exchange(req *http.Request, want int, out any) error {
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != want {
		call := req.Method + " " + redactedPath(req.URL.Path)
		return &refusal{call: call, status: res.StatusCode, detail: string(b[:min(len(b), 300)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, redactedPath(req.URL.Path), err)
	}
	return nil
}

// redactedPath is the path without the token of an incoming webhook.
func redactedPath(path string) string {
	if head, _, ok := strings.Cut(path, "/webhooks/incoming/"); ok {
		return head + "/webhooks/incoming/…"
	}
	return path
}

func (c *hubClient) create(ctx context.Context, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, b, http.StatusCreated, out)
}

// outgoing is an outgoing webhook as the hub created it.
type outgoing struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

// outgoingConfig is what differs between one outgoing webhook and another.
type outgoingConfig struct {
	name, url   string
	pattern     string // of the events it is told of
	concurrency int    // 0 leaves the hub's default
}

// createOutgoing subscribes a URL to events of the benchmark.
func (c *hubClient) createOutgoing(ctx context.Context, cfg outgoingConfig) (outgoing, error) {
	in := map[string]any{"name": cfg.name, "url": cfg.url, "events": []string{cfg.pattern}, "enabled": true}
	if cfg.concurrency > 0 {
		in["concurrency"] = cfg.concurrency
	}
	var out outgoing
	if err := c.create(ctx, "/api/outgoing-webhooks", in, &out); err != nil {
		return out, err
	}
	if out.Secret == "" {
		return out, errors.New("POST /api/outgoing-webhooks: the answer has no secret")
	}
	return out, nil
}

// incoming is an incoming webhook as the hub created it, and the channel into which it posts.
type incoming struct {
	Token     string `json:"token"`
	channelID string
}

// createIncoming makes an incoming webhook into the hub's first channel.
func (c *hubClient) createIncoming(ctx context.Context, name string) (incoming, error) {
	var channels struct {
		Items []struct{ ID, Name string }
	}
	if err := c.send(ctx, http.MethodGet, "/api/channels", nil, http.StatusOK, &channels); err != nil {
		return incoming{}, err
	}
	if len(channels.Items) == 0 {
		return incoming{}, errors.New("GET /api/channels: no channels")
	}
	target := channels.Items[0].ID
	for _, ch := range channels.Items {
		if ch.Name == "general" {
			target = ch.ID
		}
	}
	out := incoming{channelID: target}
	in := map[string]any{"name": name, "targetChannelId": target, "enabled": true}
	if err := c.create(ctx, "/api/incoming-webhooks", in, &out); err != nil {
		return out, err
	}
	if out.Token == "" {
		return out, errors.New("POST /api/incoming-webhooks: the answer has no token")
	}
	return out, nil
}

// queueStats is the hub's own count of deliveries.
type queueStats struct {
	Total     int `json:"total"`
	Pending   int `json:"pending"`
	Active    int `json:"active"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Delayed   int `json:"delayed"`
}

// idle reports that nothing is under way or waiting.
func (q queueStats) idle() bool { return q.Pending+q.Active+q.Delayed == 0 }

func (c *hubClient) queueStats(ctx context.Context) (queueStats, error) {
	var q queueStats
	err := c.send(ctx, http.MethodGet, "/api/queue/stats", nil, http.StatusOK, &q)
	return q, err
}

// sendEvent sends one event: POST /api/events, which must be acknowledged with 202 and match so many webhooks.
func (c *hubClient) sendEvent(ctx context.Context, eventType string, seq, matches int) error {
	body := appendEvent(make([]byte, 0, eventSize), eventType, seq, time.Now())
	var answer struct{ Deliveries int }
	if err := c.post(ctx, "/api/events", body, http.StatusAccepted, &answer); err != nil {
		return err
	}
	if answer.Deliveries != matches {
		return fmt.Errorf("POST /api/events: event %d matched %d webhooks, want %d", seq, answer.Deliveries, matches)
	}
	return nil
}
