package main

import (
	"bytes"
	"strconv"
	"time"
)

// eventName is the event of the benchmark's deliveries, to which the outgoing webhooks subscribe with eventPattern; where
// endpoints are in groups, the events of a group have its number behind the name (plan.eventType).
const (
	eventName    = "bench.event"
	eventPattern = "bench.*"
)

// The two marks in an event's data. The hub passes the data of POST /api/events through byte for byte, so the sink
// finds them by searching instead of parsing JSON.
const (
	seqMark  = `"benchSeq":`
	sentMark = `"benchSent":`
)

// dataRest completes the data to about 400 bytes, the size of a chat message with its channel and user.
const dataRest = `"message":{"id":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c01","channelId":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c02",` +
	`"userId":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c03","content":"The nightly build is green again, thanks all.","type":"text",` +
	`"createdAt":"2026-02-01T12:00:00Z"},"channel":{"id":"019a9f3e-7c1d-7b52-9c3e-2f1d5a7b9c02","name":"general"}}`

// eventSize is enough for the body of one event.
const eventSize = 512

// appendData appends the data of event number seq, sent at the given instant.
func appendData(b []byte, seq int, sent time.Time) []byte {
	b = append(b, '{')
	b = append(b, seqMark...)
	b = strconv.AppendInt(b, int64(seq), 10)
	b = append(b, ',')
	b = append(b, sentMark...)
	b = strconv.AppendInt(b, sent.UnixMicro(), 10)
	b = append(b, ',')
	return append(b, dataRest...)
}

// appendEvent appends the body of POST /api/events for event number seq.
func appendEvent(b []byte, eventType string, seq int, sent time.Time) []byte {
	b = append(b, `{"event":"`...)
	b = append(b, eventType...)
	b = append(b, `","data":`...)
	b = appendData(b, seq, sent)
	return append(b, '}')
}

// mark is what an event's data tells the sink.
type mark struct {
	seq  int   // number of the event, from 0
	sent int64 // Unix microseconds, on the driver's clock
}

// readMark finds the marks in a delivered body. ok is false where a mark is absent or unreadable.
func readMark(body []byte) (m mark, ok bool) {
	seq, ok := numberAfter(body, seqMark)
	if !ok || seq > maxSeq {
		return mark{}, false
	}
	sent, ok := numberAfter(body, sentMark)
	return mark{seq: int(seq), sent: sent}, ok
}

// numberAfter reads the decimal digits that follow the first occurrence of key; at most 18, so that it cannot overflow.
func numberAfter(body []byte, key string) (int64, bool) {
	at := bytes.Index(body, []byte(key))
	if at < 0 {
		return 0, false
	}
	var n int64
	digits := 0
	for _, c := range body[at+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		if digits++; digits > 18 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, digits > 0
}
