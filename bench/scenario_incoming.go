package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// contentMark precedes the message's number in its text: letters and a space only, which no dialect escapes.
const contentMark = "benchseq "

// runIncoming posts messages to one incoming webhook and then reads the channel back: every acknowledged message must be
// there once.
func runIncoming(ctx context.Context, t *trial) error {
	posts := t.opt.scaled(20_000)
	return withSink(ctx, func(s *sinkProcess) (err error) { // nothing goes to the sink; the meter knows its place
		st, err := t.newStage(ctx, s, "hub", plan{env: []string{"HUB_INCOMING_RATE_LIMIT=0"}})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close(ctx)) }()
		client := st.clients[0]
		hook, err := client.createIncoming(ctx, "bench")
		if err != nil {
			return err
		}
		m, err := startMeter(st)
		if err != nil {
			return err
		}
		profiled := t.profile(ctx, st.hubs[0], "hub")
		l := closedLoop(ctx, t.opt.senders, posts, nil, client.messageSender(hook))
		u, err := m.stop()
		if err != nil {
			return err
		}
		t.noteError(profiled())
		t.noteError(l.firstErr)
		t.recordIncoming(l, u)
		found, err := client.auditChannel(ctx, hook, l.verdicts)
		found.Refused = posts - l.count(acked)
		t.count(found)
		return err
	})
}

func (t *trial) recordIncoming(l *load, u usage) {
	acknowledged := float64(l.count(acked))
	seconds := l.ended.Sub(l.started).Seconds()
	answers := l.answerTimes()
	t.set(metricSeconds, seconds)
	t.set(metricPosts, acknowledged/seconds)
	t.recordUsage(u, l.count(acked))
	t.set(metricP50, answers.P50)
	t.set(metricP99, answers.P99)
	t.set(metricMax, answers.Max)
	t.worst(metricOthers, u.others*100)
}

// messageSender returns the driver's function for messages. The token is the only proof it shows.
func (c *hubClient) messageSender(hook incoming) sendFunc {
	target := c.base + "/api/webhooks/incoming/" + url.PathEscape(hook.Token)
	return func(ctx context.Context, seq int) error {
		body := fmt.Sprintf(`{"text":"%s%d is the number of this message. The nightly build is green again, thanks all.",`+
			`"username":"build","icon_url":"https://example.com/build.png"}`, contentMark, seq)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		return c.exchange(req, http.StatusOK, nil)
	}
}

// auditChannel reads the whole channel, page by page, and compares it with the verdicts. Messages without a number are
// the hub's own.
func (c *hubClient) auditChannel(ctx context.Context, hook incoming, verdicts []verdict) (audit, error) {
	var a audit
	var seen bitset
	query := url.Values{"limit": {"500"}}
	for {
		var page struct {
			Items      []struct{ Content string }
			NextCursor string
		}
		path := "/api/channels/" + url.PathEscape(hook.channelID) + "/messages?" + query.Encode()
		if err := c.send(ctx, http.MethodGet, path, nil, http.StatusOK, &page); err != nil {
			return a, err
		}
		for _, m := range page.Items {
			seq, ok := numberAfter([]byte(m.Content), contentMark)
			if ok && seq <= maxSeq && !seen.add(int(seq)) {
				a.Doubled++
			}
		}
		if page.NextCursor == "" || len(page.Items) == 0 {
			return a.plus(compare(verdicts, seen)), nil
		}
		query.Set("cursor", page.NextCursor)
	}
}
