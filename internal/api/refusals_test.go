package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nself-chat/hub/internal/openapitest"
)

// ofTheHub are refusals that depend on the state of the hub, not on the request:
// other tests see them.
var ofTheHub = []int{
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusInsufficientStorage, http.StatusLoopDetected,
}

// races are operations whose 409 only comes when two happen at once.
var races = []string{"deleteFile"}

// TestRefusals provokes each refusal that an operation declares, so that none is
// declared in vain. That none comes undeclared, every other test looks.
func TestRefusals(t *testing.T) {
	r := newRig(t)
	x := newExamples(r)
	x.real[string(exampleSessionID)] = x.id(exampleUserID) // of another kind: as good as none
	for _, op := range r.described().Operations() {
		if op.Public {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			x.r.t = t
			for status := range op.Responses {
				if status < 400 || slices.Contains(ofTheHub, status) || status == http.StatusConflict && slices.Contains(races, op.ID) {
					continue
				}
				tries := x.provoke(op, status)
				if !slices.ContainsFunc(tries, func(try func() int) bool { return try() == status }) {
					t.Errorf("%d is declared and never came", status)
				}
			}
		})
		x.r.t = t
	}
}

// provoke returns requests of which one should be refused with the status.
func (x *examples) provoke(op *openapitest.Operation, status int) (tries []func() int) {
	path, good := x.path(op, ""), x.body(op)
	unknown := concrete(op.Path)
	call := func(as, path string, body any, headers ...string) func() int {
		return func() int {
			if op.ID == "uploadFile" && body == good {
				return x.r.upload(as, "a.txt", "text", headers...).status
			}
			return x.r.call(as, op.Method, path, body, headers...).status
		}
	}
	switch status {
	case http.StatusBadRequest:
		if op.Method != http.MethodGet {
			return append(tries, call("owner", path, "{"))
		}
		for _, query := range []string{"after=x", "limit=x", "q=+"} { // the first, of the stream: it has no end when it is good
			tries = append(tries, call("owner", strings.SplitN(path, "?", 2)[0]+"?"+query, nil))
		}
	case http.StatusUnauthorized:
		tries = append(tries, call("", path, nil))
	case http.StatusForbidden:
		for _, as := range []string{"reader", "guest", "restricted", "writer"} {
			tries = append(tries, call(as, path, good), call(as, path+"?userId="+x.id(exampleUserID), good))
		}
	case http.StatusNotAcceptable:
		tries = append(tries, call("owner", path, good, "Accept: image/png"))
	case http.StatusNotFound:
		if op.ID == "streamEvents" { // it has no end when it is good
			return append(tries, call("owner", path+"?channelId="+concrete("{id}"), nil))
		}
		tries = append(tries, call("owner", unknown, good), call("owner", strings.Replace(path, x.id(exampleMemberID), "x", 1), good))
	case http.StatusConflict:
		tries = append(tries, x.conflicts(op, path, good)...)
	case http.StatusPreconditionFailed:
		tries = append(tries, call("owner", path, good, `If-Match: "old"`))
	case http.StatusRequestEntityTooLarge:
		tries = append(tries, func() int { return x.tooLarge(op, path) })
	case http.StatusRequestedRangeNotSatisfiable:
		tries = append(tries, call("owner", path, nil, "Range: bytes=99999-"))
	}
	return tries
}

// conflicts returns requests that contradict what is there.
func (x *examples) conflicts(op *openapitest.Operation, path string, good any) (tries []func() int) {
	if op.Method == http.MethodPost {
		key := "Idempotency-Key: of another request"
		x.r.call("owner", http.MethodPost, "/api/events", object{"event": "a.b", "data": op.ID}, key)
		x.r.upload("owner", op.ID, op.ID, "Idempotency-Key: of an upload")
		tries = append(tries, func() int {
			switch op.ID {
			case "publishEvent": // its example has a key of its own
				return x.r.call("owner", op.Method, path, object{"event": "a.b", "data": "another"}, key).status
			case "uploadFile":
				return x.r.upload("owner", "b", "b", "Idempotency-Key: of an upload").status
			}
			x.r.call("owner", http.MethodPost, "/api/channels", object{"name": "same"}, key) // keys of commits are others
			return x.r.call("owner", op.Method, path, good, key).status
		})
		return tries
	}
	archived := x.archive()
	return append(tries, func() int {
		switch op.ID {
		case "updateChannel":
			return x.r.call("owner", op.Method, "/api/channels/"+string(x.r.defaults.General), object{"isArchived": true}).status
		case "downloadFile":
			return x.r.call("owner", op.Method, "/api/files/"+x.elsewhere(), nil).status
		case "deleteChannel":
			return x.r.call("owner", op.Method, "/api/channels/"+string(x.r.defaults.General), nil).status
		case "updateUser":
			return x.r.call("owner", op.Method, "/api/users/"+string(x.r.defaults.Owner), object{"status": "inactive"}).status
		case "updateIncomingWebhook":
			return x.r.call("owner", op.Method, path, object{"targetChannelId": archived.channel}).status
		}
		path := strings.Replace(path, x.id(exampleMessageID), archived.message, 1)
		path = strings.Replace(path, x.id(exampleFileID), archived.file, 1)
		return x.r.call("owner", op.Method, path, good).status
	})
}

// elsewhere posts a file that the hub does not keep.
func (x *examples) elsewhere() string {
	var posted Posted
	x.r.call("", http.MethodPost, "/api/webhooks/incoming/"+x.real[exampleToken], object{
		"text": "x", "attachments": []any{object{"url": "https://files.example/a.png"}},
	}).want(http.StatusOK, &posted)
	var m Message
	x.r.call("owner", http.MethodGet, "/api/messages/"+string(posted.MessageID), nil).want(http.StatusOK, &m)
	return string(m.Attachments[0].ID)
}

// archivedChannel is what is in an archived channel.
type archivedChannel struct{ channel, message, file string }

func (x *examples) archive() (a archivedChannel) {
	var made struct{ ID string }
	x.r.upload("owner", "a.txt", "text").want(http.StatusCreated, &made)
	a.file = made.ID
	x.serial++
	x.r.call("owner", http.MethodPost, "/api/channels", object{"name": fmt.Sprintf("archived-%d", x.serial)}).want(http.StatusCreated, &made)
	a.channel = made.ID
	path := "/api/channels/" + a.channel
	x.r.call("owner", http.MethodPost, path+"/messages", object{"content": "x", "fileIds": []any{a.file}}).want(http.StatusCreated, &made)
	a.message = made.ID
	x.r.call("owner", http.MethodPatch, path, object{"isArchived": true}).want(http.StatusOK, nil)
	return a
}

// body is an example of an operation's body.
func (x *examples) body(op *openapitest.Operation) any {
	example, ok := requestExamples[op.ID]
	if !ok {
		return nil
	}
	return x.text(example)
}

// tooLarge announces a body that is too large, and sends nothing of it.
func (x *examples) tooLarge(op *openapitest.Operation, path string) int {
	req, err := http.NewRequestWithContext(x.r.t.Context(), op.Method, x.r.url+path, io.LimitReader(zeros{}, 30<<20))
	must(x.r.t, err)
	req.ContentLength = 30 << 20
	req.Header.Set("Authorization", "Bearer "+x.r.tokens["owner"])
	req.Header.Set("Content-Type", "application/json")
	res, err := x.r.http.Do(req)
	if err != nil {
		x.r.t.Logf("%s: %v", op, err)
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{'0'}, len(p)))
	return len(p), nil
}
