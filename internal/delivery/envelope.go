package delivery

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/nself-chat/hub"
)

// envelopeVersion is the version of the outgoing body; within 1.x only
// additions are made.
const envelopeVersion = "1.0"

// Envelope returns the body of a delivery's request. It depends only on the
// delivery's ids and the event, so that every attempt, and every look at the
// log, yields the same bytes.
func Envelope(d *hub.Delivery, e *hub.Event) []byte {
	b := make([]byte, 0, 256+len(e.Data))
	b = append(b, `{"id":"`...)
	b = append(b, d.ID...)
	b = append(b, `","event":"`...)
	b = append(b, e.Type...) // [A-Za-z0-9_.-] only
	b = append(b, `","webhookId":"`...)
	b = append(b, d.WebhookID...)
	b = append(b, `","timestamp":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","version":"`+envelopeVersion+`","data":`...)
	b = append(b, e.Data...)
	if by := e.TriggeredBy; by != nil {
		b = by.AppendJSON(append(b, `,"triggeredBy":`...))
	}
	return append(b, '}')
}

// appendJSONString appends s, which holds no control characters, quotes or
// backslashes unless it came from outside, as a JSON string.
func appendJSONString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			text, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...)
			}
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendHeaderJSON(b []byte, name, value string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = appendJSONString(b, name)
	b = append(b, ':')
	return appendJSONString(b, value)
}

func itoa(n int) string { return strconv.Itoa(n) }
