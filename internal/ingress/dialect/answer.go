package dialect

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/nself-chat/hub"
)

// Success words that a post was stored as nself-chat's guide does. Times carry
// milliseconds, as JavaScript's do; duration is in milliseconds.
func Success(p Posted) Answer {
	m := &p.Message
	b := make([]byte, 0, 256)
	b = append(b, `{"success":true,"message":`...)
	b = strconv.AppendQuote(b, p.Done) // our own words: plain ASCII
	b = append(b, `,"messageId":"`...)
	b = append(b, m.ID...)
	b = append(b, `","channelId":"`...)
	b = append(b, m.ChannelID...)
	b = append(b, `","timestamp":"`...)
	b = m.CreatedAt.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","duration":`...)
	b = strconv.AppendFloat(b, float64(p.Duration.Microseconds())/1000, 'f', -1, 64)
	b = append(b, '}')
	return Answer{Status: http.StatusOK, ContentType: "application/json", Body: b}
}

// Problem words a failure as problem+json (RFC 9457).
func Problem(f *Failure) Answer {
	status := f.Status()
	fields := f.Fields
	if fields == nil {
		fields = []hub.FieldError{}
	}
	body, err := json.Marshal(struct {
		Type   string           `json:"type"`
		Title  string           `json:"title"`
		Status int              `json:"status"`
		Detail string           `json:"detail"`
		Code   hub.Code         `json:"code"`
		Errors []hub.FieldError `json:"errors"`
	}{"about:blank", http.StatusText(status), status, f.Detail, f.Code(), fields})
	if err != nil { // strings and integers always encode
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`)
	}
	return Answer{Status: status, ContentType: "application/problem+json", Body: body}
}
