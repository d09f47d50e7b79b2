// Package push is the dialects of services that bring a message to somebody's phone,
// for senders that know no chat: Gotify, ntfy and Telegram's sendMessage.
//
// Sources: the API documentation of Gotify ("Push messages", "Message extras"), the
// page "Publishing" of ntfy's documentation, and the methods sendMessage, sendPhoto and
// sendDocument of Telegram's Bot API. Each is known by fields that only it has; ntfy's plain
// text by its headers. Left out is what only a phone can do: sounds, delays, calls,
// keyboards other than links, and silent delivery but for the mentions that it
// forbids.
//
// Senders of all three expect the message back, with a number as its id. The number
// leads nowhere: it is the time, as the hub's own ids do not fit into theirs.
package push

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// All are the dialects of this package, in the order in which they are to be tried.
var All = []*dialect.Dialect{Telegram, Ntfy, Gotify}

// base makes a dialect whose clients add a path to the address that they are given:
// Gotify's "message", ntfy's topic. It is the method behind the dialect in the URL.
func base(d dialect.Dialect) *dialect.Dialect {
	api := d
	d.API = &api
	return &d
}

// answer words an answer in JSON.
func answer(status int, body any) dialect.Answer {
	b, err := json.Marshal(body)
	if err != nil { // strings, numbers and valid JSON always encode
		return dialect.Answer{Status: status}
	}
	return dialect.Answer{Status: status, ContentType: "application/json", Body: b}
}

// number is an id that fits into 32 bits, as some clients expect.
func number(t time.Time) int64 { return t.Unix() & 0x7fffffff }

// onlyFields reports whether all fields of a request are among these.
func onlyFields(o dialect.Object, names map[string]bool) bool {
	for _, name := range o.Names() {
		if !names[name] {
			return false
		}
	}
	return true
}

// sentence is the status in words, and what was wrong.
func sentence(f *dialect.Failure) string { return http.StatusText(f.Status()) + ": " + f.Detail }
