package api

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
)

// The matrix says of each route how it is used, and the tests of this package walk
// it: a route without a row fails, and so does a row that lacks what applies to its
// route.

// things are one of everything that routes are about.
type things struct {
	r                         *rig
	n                         string // tells them from others of the rig
	channel                   hub.ChannelID
	root, message             hub.MessageID // a message, and its edited reply with a file
	file                      hub.FileID
	unposted                  hub.FileID
	event                     hub.EventID
	incoming                  IncomingWebhookMade
	call                      string
	outgoing                  OutgoingWebhookMade // paused
	delivery                  hub.DeliveryID      // held
	session                   hub.SessionID       // of the writer
	token                     hub.TokenID
	author, member, candidate hub.UserID
}

// hidden is a word of everything that is said in the channels of things.
const hidden = "xyzzy"

// things makes one of everything in a channel of that kind, which the author made
// and manages.
func (r *rig) things(kind, author string) *things {
	r.t.Helper()
	r.made++
	t := &things{r: r, n: strconv.Itoa(r.made), member: r.users["reader"].ID, candidate: r.users["guest"].ID}
	var ch Channel
	r.call(author, http.MethodPost, "/api/channels", map[string]any{"name": "things-" + t.n, "type": kind, "topic": hidden}).
		want(http.StatusCreated, &ch)
	t.channel = ch.ID
	if kind == "public" {
		r.call(author, http.MethodPut, t.of("channels", t.channel)+"/members/"+string(t.member), nil).want(http.StatusOK, nil)
	}
	var f, g hub.AttachmentInfo
	r.upload(author, hidden+".txt", hidden+t.n).want(http.StatusCreated, &f)
	r.upload(author, hidden+".txt", hidden+t.n).want(http.StatusCreated, &g)
	t.file, t.unposted = f.ID, g.ID
	root := r.post(author, t.channel, hidden+" root")
	t.root, t.author = root.ID, root.Author.ID
	var m Message
	r.call(author, http.MethodPost, t.of("channels", t.channel)+"/messages", map[string]any{
		"content": hidden + " first", "threadId": root.ID, "fileIds": []any{f.ID},
	}).want(http.StatusCreated, &m)
	t.message = m.ID
	r.call(author, http.MethodPatch, t.of("messages", m.ID), map[string]any{"content": hidden + " now"}).want(http.StatusOK, nil)
	t.incoming = r.makeIncoming(map[string]any{"targetChannelId": t.channel})
	t.call = strings.TrimPrefix(r.newest(r.send(t.incoming, "", `{"text": "`+hidden+` called"}`, http.StatusOK)),
		incomings+"/"+string(t.incoming.ID)+"/log/")
	t.outgoing = r.makeOutgoing(map[string]any{"events": []string{"matrix." + t.n, "webhook.*"}, "url": "https://good.example/?key=in-the-url"})
	r.call("owner", http.MethodPost, t.of("outgoing-webhooks", t.outgoing.ID)+"/pause", nil).want(http.StatusOK, nil)
	event := r.publishAs("owner", map[string]any{"event": "matrix." + t.n, "data": 1})
	t.delivery = hub.DeliveryIDFor(event, t.outgoing.ID)
	log, err := r.store.EventsOfKey(r.t.Context(), hub.MessageOrderKey(t.message), 1)
	must(r.t, err)
	t.event = log[0].ID
	t.session = r.session(r.users["writer"].ID)
	t.token = t.newToken()
	return t
}

func (r *rig) session(user hub.UserID) hub.SessionID {
	id := hub.SessionID(r.control.IDs.New())
	now := r.control.Now()
	must(r.t, r.store.CreateSession(r.t.Context(), hub.Session{
		ID: id, UserID: user, Hash: string(id), CreatedAt: now, LastSeenAt: now, ExpiresAt: now.AddDate(0, 0, 1), UserAgent: "Browser",
	}))
	return id
}

func (t *things) newToken() hub.TokenID {
	var made TokenMade
	t.r.call("owner", http.MethodPost, "/api/tokens", map[string]any{"name": "t", "scope": "read", "userId": t.r.users["writer"].ID}).want(http.StatusCreated, &made)
	return made.ID
}

// of is the path of a thing.
func (*things) of(kind string, id any) string { return fmt.Sprintf("/api/%s/%v", kind, id) }

// ask is a request.
type ask struct {
	path    string
	body    any
	headers []string
}

// make makes the request.
func (r *rig) make(as, method string, a ask, headers ...string) *reply {
	r.t.Helper()
	return r.call(as, method, a.path, a.body, append(append([]string(nil), a.headers...), headers...)...)
}

// row says how a route is used and what applies to it.
type row struct {
	scope  hub.Scope // the least that is needed
	ask    func(t *things) ask
	status int // of success; 0: 200

	// action is what the audit log calls the change; before and after say which of
	// the two it keeps. noAudit says why there is no entry.
	action, noAudit string
	before, after   bool

	// conflict is a request that contradicts what is there; noConflict says why
	// there is none. It is asked by conflictBy; "": the owner.
	conflict   func(t *things) ask
	conflictBy string
	noConflict string

	// list: it is a list; grow adds to it. id tells items apart; nil: by their id.
	list bool
	grow func(t *things)
	id   func(item map[string]any) string

	// badQuery are bad values of parameters whose schemas do not tell any.
	badQuery map[string]string
	// required are fields that the schema, shared with the edit, does not say.
	required []string
	// unchecked are fields that take any JSON.
	unchecked []string
	// other is another request under the same key, where the address does not count.
	other func(t *things) ask

	raw bool // it answers something else than one JSON value
}

// by is who may just do it.
func (w row) by() string {
	return map[hub.Scope]string{hub.ScopeRead: "reader", hub.ScopeWrite: "writer", hub.ScopeAdmin: "admin"}[w.scope]
}

func (w row) success() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// at makes a request to a path.
func at(path func(t *things) string) func(*things) ask {
	return func(t *things) ask { return ask{path: path(t)} }
}

// with makes a request to a path with a body.
func with(path func(t *things) string, body string) func(*things) ask {
	return func(t *things) ask {
		fill := strings.NewReplacer("$channel", string(t.channel), "$n", t.n, "$user", string(t.author))
		return ask{path: path(t), body: fill.Replace(body)}
	}
}

func to(path string) func(*things) string { return func(*things) string { return path } }

// The paths of things.
var (
	channelPath   = func(t *things) string { return t.of("channels", t.channel) }
	membersPath   = func(t *things) string { return channelPath(t) + "/members" }
	memberPath    = func(t *things) string { return membersPath(t) + "/" + string(t.member) }
	postsPath     = func(t *things) string { return channelPath(t) + "/messages" }
	messagePath   = func(t *things) string { return t.of("messages", t.message) }
	threadPath    = func(t *things) string { return t.of("messages", t.root) + "/thread" }
	revisionsPath = func(t *things) string { return messagePath(t) + "/revisions" }
	pinPath       = func(t *things) string { return messagePath(t) + "/pin" }
	emojiPath     = func(t *things) string { return messagePath(t) + "/reactions/" + url.PathEscape("👍") }
	writerPath    = func(t *things) string { return t.of("users", t.r.users["writer"].ID) }
	filePath      = func(t *things) string { return t.of("files", t.file) }
	incomingPath  = func(t *things) string { return t.of("incoming-webhooks", t.incoming.ID) }
	logPath       = func(t *things) string { return incomingPath(t) + "/log" }
	callPath      = func(t *things) string { return logPath(t) + "/" + t.call }
	inboxPath     = func(t *things) string { return t.of("inbox", t.call) }
	outgoingPath  = func(t *things) string { return t.of("outgoing-webhooks", t.outgoing.ID) }
	deliveryPath  = func(t *things) string { return t.of("deliveries", t.delivery) }
	eventPath     = func(t *things) string { return t.of("events", t.event) }
	sessionPath   = func(t *things) string { return t.of("sessions", t.session) }
	tokenPath     = func(t *things) string { return t.of("tokens", t.token) }
)

func under(path func(*things) string, rest string) func(*things) string {
	return func(t *things) string { return path(t) + rest }
}

// Things that can be added to lists.
var (
	growMessages = func(t *things) { t.r.post("writer", t.channel, hidden+" more") }
	growCalls    = func(t *things) { t.r.send(t.incoming, "", `{"text": "more"}`, http.StatusOK) }
	growEvents   = func(t *things) { t.r.publishAs("owner", map[string]any{"event": "matrix." + t.n, "data": 1}) }
	growMembers  = func(t *things) {
		u := t.newUser()
		t.r.call("owner", http.MethodPut, membersPath(t)+"/"+string(u), nil).want(http.StatusOK, nil)
	}
)

func (t *things) newUser() hub.UserID {
	var u User
	t.r.call("owner", http.MethodPost, "/api/users", map[string]any{"kind": "bot", "displayName": "bot"}).want(http.StatusCreated, &u)
	return u.ID
}

// form is an upload of a file with that name and content.
func form(name, content string) ask {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", name) // a buffer takes everything
	_, _ = part.Write([]byte(content))
	_ = w.Close()
	return ask{path: "/api/files", body: b.String(), headers: []string{"Content-Type: " + w.FormDataContentType()}}
}

const (
	readOnly    = "nothing is changed"
	idempotence = "what is so already stays so"
	independent = "it depends on nothing that others could have taken or changed"
)

// matrix has a row for each route.
var matrix = map[string]row{
	"GET /api/channels": {scope: hub.ScopeRead, ask: at(to("/api/channels")), list: true, grow: func(t *things) {
		t.r.made++
		t.r.makeChannel("list-"+strconv.Itoa(t.r.made*7919%1000), "public")
	}},
	"POST /api/channels": {
		scope: hub.ScopeWrite, ask: with(to("/api/channels"), `{"name": "new-$n", "type": "private", "topic": "t", "description": "d"}`),
		status: http.StatusCreated, action: "channel.create", after: true,
		conflict: with(to("/api/channels"), `{"name": "things-$n"}`),
	},
	"GET /api/channels/{id}": {scope: hub.ScopeRead, ask: at(channelPath)},
	"PATCH /api/channels/{id}": {
		scope: hub.ScopeWrite, ask: with(channelPath, `{"name": "renamed-$n", "topic": "t", "description": "d", "isArchived": true}`),
		action: "channel.update", before: true, after: true, conflict: with(channelPath, `{"name": "general"}`),
	},
	"DELETE /api/channels/{id}": {
		scope: hub.ScopeWrite, ask: at(channelPath), status: http.StatusNoContent, action: "channel.delete", before: true,
		conflict: func(t *things) ask { return ask{path: t.of("channels", t.r.defaults.General)} },
	},
	"GET /api/channels/{id}/members": {
		scope: hub.ScopeRead, ask: at(membersPath), list: true, grow: growMembers,
		id: func(m map[string]any) string { return fmt.Sprint(m["userId"]) },
	},
	"GET /api/channels/{id}/members/{userId}": {scope: hub.ScopeRead, ask: at(memberPath)},
	"PUT /api/channels/{id}/members/{userId}": {
		scope: hub.ScopeWrite, ask: with(memberPath, `{"role": "admin"}`), action: "member.set", before: true, after: true,
		noConflict: idempotence,
	},
	"DELETE /api/channels/{id}/members/{userId}": {
		scope: hub.ScopeWrite, ask: at(memberPath), status: http.StatusNoContent, action: "member.remove", before: true,
		noConflict: idempotence,
	},
	"GET /api/channels/{id}/messages": {scope: hub.ScopeRead, ask: at(postsPath), list: true, grow: growMessages},
	"POST /api/channels/{id}/messages": {
		scope: hub.ScopeWrite, ask: with(postsPath, `{"content": "xyzzy posted", "embeds": [{"title": "t"}]}`), status: http.StatusCreated,
		action: "message.create", after: true, conflict: func(t *things) ask {
			t.r.call("owner", http.MethodPatch, channelPath(t), `{"isArchived": true}`).want(http.StatusOK, nil)
			return ask{path: postsPath(t), body: `{"content": "late"}`}
		},
	},
	"GET /api/messages/{id}": {scope: hub.ScopeRead, ask: at(messagePath)},
	"PATCH /api/messages/{id}": {
		scope: hub.ScopeWrite, ask: with(messagePath, `{"content": "xyzzy edited", "embeds": [{"title": "t"}]}`),
		action: "message.update", before: true, after: true, conflict: func(t *things) ask {
			t.r.call("owner", http.MethodPatch, channelPath(t), `{"isArchived": true}`).want(http.StatusOK, nil)
			return ask{path: messagePath(t), body: `{"content": "late"}`}
		}, conflictBy: "writer",
	},
	"DELETE /api/messages/{id}": {
		scope: hub.ScopeWrite, ask: at(messagePath), status: http.StatusNoContent, action: "message.delete", before: true,
		noConflict: idempotence,
	},
	"GET /api/messages/{id}/thread": {scope: hub.ScopeRead, ask: at(threadPath), list: true, grow: func(t *things) {
		t.r.call("writer", http.MethodPost, postsPath(t), map[string]any{"content": "reply", "threadId": t.root}).want(http.StatusCreated, nil)
	}},
	"GET /api/messages/{id}/revisions": {
		scope: hub.ScopeRead, ask: at(revisionsPath), list: true, grow: func(t *things) {
			t.r.made++
			t.r.call("writer", http.MethodPatch, messagePath(t), map[string]any{"content": strconv.Itoa(t.r.made)}).want(http.StatusOK, nil)
		}, id: func(m map[string]any) string { return fmt.Sprint(m["number"]) },
	},
	"PUT /api/messages/{id}/pin": {
		scope: hub.ScopeWrite, ask: at(pinPath), status: http.StatusNoContent, action: "message.pin", before: true, after: true,
		noConflict: idempotence,
	},
	"DELETE /api/messages/{id}/pin": {scope: hub.ScopeWrite, ask: func(t *things) ask {
		t.r.call("owner", http.MethodPut, pinPath(t), nil).want(http.StatusNoContent, nil)
		return ask{path: pinPath(t)}
	}, status: http.StatusNoContent, action: "message.unpin", before: true, after: true, noConflict: idempotence},
	"PUT /api/messages/{id}/reactions/{emoji}": {
		scope: hub.ScopeWrite, ask: at(emojiPath), status: http.StatusNoContent, action: "reaction.add", after: true, noConflict: idempotence,
	},
	"DELETE /api/messages/{id}/reactions/{emoji}": {scope: hub.ScopeWrite, ask: func(t *things) ask {
		t.r.call("writer", http.MethodPut, emojiPath(t), nil) // whom the message may be hidden from
		return ask{path: emojiPath(t)}
	}, status: http.StatusNoContent, action: "reaction.remove", before: true, noConflict: idempotence},
	"GET /api/users": {scope: hub.ScopeRead, ask: at(to("/api/users")), list: true, grow: func(t *things) { t.newUser() }},
	"POST /api/users": {
		scope: hub.ScopeAdmin, status: http.StatusCreated, action: "user.create", after: true,
		ask: with(to("/api/users"), `{"kind": "human", "username": "new-$n", "displayName": "New", "email": "new-$n@example.com",
			"avatarUrl": "https://example.com/a.png", "role": "guest"}`),
		conflict: with(to("/api/users"), `{"username": "writer"}`),
	},
	"GET /api/users/{id}": {scope: hub.ScopeRead, ask: at(writerPath)},
	"PATCH /api/users/{id}": {scope: hub.ScopeWrite, ask: func(t *things) ask {
		return ask{path: writerPath(t), body: map[string]any{"displayName": "Writer " + t.n, "avatarUrl": "https://example.com/a.png"}}
	}, action: "user.update", before: true, after: true, conflict: with(writerPath, `{"username": "reader"}`)},
	"POST /api/files": {
		scope: hub.ScopeWrite, ask: func(t *things) ask { return form("new.txt", "content "+t.n) }, status: http.StatusCreated,
		action: "file.upload", after: true, noConflict: independent, raw: true,
		other: func(*things) ask { return form("new.txt", "other content") },
	},
	"GET /api/files/{id}": {scope: hub.ScopeRead, ask: at(filePath), raw: true},
	"DELETE /api/files/{id}": {
		scope: hub.ScopeWrite, ask: at(filePath), status: http.StatusNoContent, action: "file.delete", before: true, noConflict: independent,
	},
	"GET /api/search": {
		scope: hub.ScopeRead, ask: at(to("/api/search?q=" + hidden)), list: true, grow: growMessages, badQuery: map[string]string{"q": "++"},
		id: func(m map[string]any) string { return fmt.Sprint(m["message"].(map[string]any)["id"]) },
	},
	"GET /api/incoming-webhooks": {
		scope: hub.ScopeAdmin, ask: at(to(incomings)), list: true, grow: func(t *things) { t.r.makeIncoming(nil) },
	},
	"POST /api/incoming-webhooks": {
		scope: hub.ScopeAdmin, status: http.StatusCreated, action: "incoming_webhook.create", after: true, ask: with(to(incomings), `{
			"name": "CI", "targetChannelId": "$channel", "username": "ci", "avatarUrl": "https://example.com/a.png", "enabled": true,
			"hmacSecret": "hmac-of-mine", "allowIps": ["127.0.0.1"], "expiresAt": "2099-01-01T00:00:00Z", "rateLimit": 7,
			"allowMentions": true, "keyTemplate": "/id", "fieldMap": {"title": "/t"}}`),
		required: []string{"name", "targetChannelId"}, conflict: func(t *things) ask {
			t.r.call("owner", http.MethodPatch, channelPath(t), `{"isArchived": true}`).want(http.StatusOK, nil)
			return ask{path: incomings, body: map[string]any{"name": "late", "targetChannelId": t.channel}}
		},
	},
	"GET /api/incoming-webhooks/dialects": {scope: hub.ScopeAdmin, ask: at(to(incomings + "/dialects"))},
	"GET /api/incoming-webhooks/{id}":     {scope: hub.ScopeAdmin, ask: at(incomingPath)},
	"PATCH /api/incoming-webhooks/{id}": {
		scope: hub.ScopeAdmin, action: "incoming_webhook.update", before: true, after: true, ask: with(incomingPath, `{
			"name": "CD", "targetChannelId": "$channel", "username": "cd", "avatarUrl": "https://example.com/a.png", "enabled": false,
			"hmacSecret": "hmac-of-mine", "allowIps": ["127.0.0.1"], "expiresAt": "2099-01-01T00:00:00Z", "rateLimit": 7,
			"allowMentions": true, "keyTemplate": "/id", "fieldMap": {"title": "/t"}}`),
		conflict: func(t *things) ask {
			var ch Channel
			t.r.call("owner", http.MethodPost, "/api/channels", `{"name": "archived-`+t.n+`"}`).want(http.StatusCreated, &ch)
			t.r.call("owner", http.MethodPatch, t.of("channels", ch.ID), `{"isArchived": true}`).want(http.StatusOK, nil)
			return ask{path: incomingPath(t), body: map[string]any{"targetChannelId": ch.ID}}
		},
	},
	"DELETE /api/incoming-webhooks/{id}": {
		scope: hub.ScopeAdmin, ask: at(incomingPath), status: http.StatusNoContent, action: "incoming_webhook.delete", before: true,
		noConflict: independent,
	},
	"POST /api/incoming-webhooks/{id}/rotate": {
		scope: hub.ScopeAdmin, ask: with(under(incomingPath, "/rotate"), `{"overlapHours": 2}`), action: "incoming_webhook.rotate", after: true,
		noConflict: independent,
	},
	"GET /api/incoming-webhooks/{id}/log":          {scope: hub.ScopeAdmin, ask: at(logPath), list: true, grow: growCalls},
	"GET /api/incoming-webhooks/{id}/log/{callId}": {scope: hub.ScopeAdmin, ask: at(callPath)},
	"POST /api/incoming-webhooks/{id}/log/{callId}/replay": {
		scope: hub.ScopeAdmin, ask: at(under(callPath, "/replay")), status: http.StatusAccepted, action: "incoming_webhook.replay", after: true,
		conflict: func(t *things) ask { return ask{path: logPath(t) + "/" + t.edit() + "/replay"} },
	},
	"POST /api/incoming-webhooks/{id}/log/{callId}/preview": {
		scope: hub.ScopeAdmin, ask: with(under(callPath, "/preview"), `{"keyTemplate": "/id", "fieldMap": {"title": "/t"}}`), noAudit: readOnly,
		conflict: func(t *things) ask { return ask{path: logPath(t) + "/" + t.edit() + "/preview"} },
	},
	"GET /api/inbox":      {scope: hub.ScopeAdmin, ask: at(to("/api/inbox")), list: true, grow: growCalls},
	"GET /api/inbox/{id}": {scope: hub.ScopeAdmin, ask: at(inboxPath)},
	"POST /api/inbox/{id}/replay": {
		scope: hub.ScopeAdmin, ask: at(under(inboxPath, "/replay")), status: http.StatusAccepted, action: "incoming_webhook.replay", after: true,
		conflict: func(t *things) ask { return ask{path: t.of("inbox", t.edit()) + "/replay"} },
	},
	"GET /api/outgoing-webhooks": {
		scope: hub.ScopeAdmin, ask: at(to(outgoings)), list: true, grow: func(t *things) { t.r.makeOutgoing(map[string]any{"events": []string{"never"}}) },
	},
	"POST /api/outgoing-webhooks": {
		scope: hub.ScopeAdmin, status: http.StatusCreated, action: "outgoing_webhook.create", after: true, ask: with(to(outgoings), outgoingFields[:len(outgoingFields)-1]+
			`, "secret": "a-secret-of-mine"}`), required: []string{"name", "url", "events"}, noConflict: independent,
	},
	"GET /api/outgoing-webhooks/{id}": {scope: hub.ScopeAdmin, ask: at(outgoingPath)},
	"PATCH /api/outgoing-webhooks/{id}": {
		scope: hub.ScopeAdmin, ask: with(outgoingPath, outgoingFields), action: "outgoing_webhook.update", before: true, after: true,
		noConflict: independent,
	},
	"DELETE /api/outgoing-webhooks/{id}": {
		scope: hub.ScopeAdmin, ask: at(outgoingPath), status: http.StatusNoContent, action: "outgoing_webhook.delete", before: true,
		noConflict: independent,
	},
	"POST /api/outgoing-webhooks/{id}/rotate-secret": {
		scope: hub.ScopeAdmin, ask: with(under(outgoingPath, "/rotate-secret"), `{"overlapHours": 2}`),
		action: "outgoing_webhook.rotate_secret", after: true, noConflict: independent,
	},
	"POST /api/outgoing-webhooks/{id}/pause": {
		scope: hub.ScopeAdmin, ask: func(t *things) ask {
			t.r.call("owner", http.MethodPost, outgoingPath(t)+"/resume", nil).want(http.StatusOK, nil)
			return ask{path: outgoingPath(t) + "/pause"}
		}, action: "outgoing_webhook.pause", before: true, after: true, conflict: disabled("/pause", ""),
	},
	"POST /api/outgoing-webhooks/{id}/resume": {
		scope: hub.ScopeAdmin, ask: with(under(outgoingPath, "/resume"), `{"held": "deliver"}`), action: "outgoing_webhook.resume",
		before: true, after: true, noConflict: idempotence,
	},
	"POST /api/outgoing-webhooks/{id}/test": {
		scope: hub.ScopeAdmin, ask: at(under(outgoingPath, "/test")), status: http.StatusAccepted, action: "outgoing_webhook.test", after: true,
		conflict: disabled("/test", ""),
	},
	"POST /api/outgoing-webhooks/{id}/replay": {
		scope: hub.ScopeAdmin, status: http.StatusAccepted, action: "outgoing_webhook.replay", after: true,
		ask: with(under(outgoingPath, "/replay"), `{"status": "failed", "since": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z",
			"dryRun": false, "ratePerMinute": 60}`),
		conflict: disabled("/replay", `{"status": "failed"}`),
	},
	"GET /api/deliveries": {
		scope: hub.ScopeAdmin, ask: at(to("/api/deliveries")), list: true, grow: growEvents, badQuery: map[string]string{"event": "["},
	},
	"GET /api/deliveries/{id}": {scope: hub.ScopeAdmin, ask: at(deliveryPath)},
	"POST /api/deliveries/{id}/retry": {
		scope: hub.ScopeAdmin, ask: func(t *things) ask {
			t.r.call("owner", http.MethodPost, deliveryPath(t)+"/cancel", nil) // unless it is so already
			return ask{path: deliveryPath(t) + "/retry"}
		}, status: http.StatusAccepted, action: "delivery.retry", before: true, after: true,
		conflict: func(t *things) ask {
			t.r.call("owner", http.MethodDelete, outgoingPath(t), nil).want(http.StatusNoContent, nil)
			return ask{path: deliveryPath(t) + "/retry"}
		},
	},
	"POST /api/deliveries/{id}/cancel": {
		scope: hub.ScopeAdmin, ask: at(under(deliveryPath, "/cancel")), action: "delivery.cancel", before: true, after: true,
		conflict: func(t *things) ask {
			t.r.call("owner", http.MethodPost, deliveryPath(t)+"/cancel", nil).want(http.StatusOK, nil)
			return ask{path: deliveryPath(t) + "/cancel"}
		},
	},
	"POST /api/events": {
		scope: hub.ScopeWrite, status: http.StatusAccepted, action: "event.publish", after: true, unchecked: []string{"data"},
		ask:        with(to("/api/events"), `{"event": "order.created", "data": {"id": "$n"}, "triggeredBy": {"userId": "u", "username": "someone"}}`),
		noConflict: independent,
	},
	"GET /api/events": {
		scope: hub.ScopeRead, ask: at(to("/api/events")), list: true, grow: growEvents, badQuery: map[string]string{"event": "["},
	},
	"GET /api/events/stream":              {scope: hub.ScopeRead, ask: at(to("/api/events/stream")), raw: true},
	"GET /api/events/{id}":                {scope: hub.ScopeRead, ask: at(eventPath)},
	"GET /api/queue/stats":                {scope: hub.ScopeRead, ask: at(to("/api/queue/stats"))},
	"GET /api/admin/webhooks/queue/stats": {scope: hub.ScopeRead, ask: at(to("/api/admin/webhooks/queue/stats"))},
	"POST /api/queue/pause": {
		scope: hub.ScopeAdmin, ask: at(to("/api/queue/pause")), status: http.StatusNoContent, action: "queue.pause", after: true, noConflict: idempotence,
	},
	"POST /api/queue/resume": {
		scope: hub.ScopeAdmin, ask: at(to("/api/queue/resume")), status: http.StatusNoContent, action: "queue.resume", after: true, noConflict: idempotence,
	},
	"GET /api/tokens": {scope: hub.ScopeAdmin, ask: at(to("/api/tokens")), list: true, grow: func(t *things) { t.newToken() }},
	"POST /api/tokens": {
		scope: hub.ScopeAdmin, status: http.StatusCreated, action: "token.create", after: true, ask: with(to("/api/tokens"),
			`{"name": "ci", "userId": "$user", "scope": "write", "channelIds": ["$channel"], "expiresAt": "2099-01-01T00:00:00Z"}`),
		noConflict: independent,
	},
	"DELETE /api/tokens/{id}": {
		scope: hub.ScopeAdmin, ask: at(tokenPath), status: http.StatusNoContent, action: "token.delete", before: true, noConflict: independent,
	},
	"GET /api/sessions": {
		scope: hub.ScopeRead, ask: at(to("/api/sessions")), list: true, grow: func(t *things) { t.r.session(t.r.users["reader"].ID) },
	},
	"DELETE /api/sessions": {
		scope: hub.ScopeWrite, ask: at(to("/api/sessions")), action: "session.delete_all", after: true, noConflict: idempotence,
	},
	"DELETE /api/sessions/{id}": {
		scope: hub.ScopeWrite, ask: at(sessionPath), status: http.StatusNoContent, action: "session.delete", before: true, noConflict: independent,
	},
	"GET /api/audit-log": {scope: hub.ScopeAdmin, ask: at(to("/api/audit-log")), list: true, grow: func(t *things) { t.newToken() }},
}

// outgoingFields are all fields of an outgoing webhook that can be edited.
const outgoingFields = `{"name": "sink", "url": "https://good.example/?key=in-the-url", "events": ["order.*"], "channelIds": ["$channel"],
	"filter": {"field": "id", "equals": 1}, "headers": {"X-Key": "Bearer of-mine"}, "timeout": 5000, "maxRetries": 2, "retryDelay": 1000,
	"retrySchedule": "days", "rateLimit": 100, "concurrency": 2, "ordering": "conversation", "signing": "standard", "enabled": true}`

// disabled asks something of an outgoing webhook that is disabled.
func disabled(what, body string) func(*things) ask {
	return func(t *things) ask {
		t.r.call("owner", http.MethodPatch, outgoingPath(t), `{"enabled": false}`).want(http.StatusOK, nil)
		a := ask{path: outgoingPath(t) + what}
		if body != "" {
			a.body = body
		}
		return a
	}
}

// edit lets the incoming webhook change what it posted, and returns the call.
func (t *things) edit() (call string) {
	var c CallDetail
	t.r.call("owner", http.MethodGet, callPath(t), nil).want(http.StatusOK, &c)
	t.r.call("", http.MethodPatch, "/api/webhooks/incoming/"+t.incoming.Token+"/messages/"+string(c.MessageID), `{"text": "changed"}`).
		want(http.StatusOK, nil)
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		var l listing
		t.r.call("owner", http.MethodGet, logPath(t)+"?limit=1", nil).want(http.StatusOK, &l)
		if l.Items[0]["verdict"] == "edited" {
			return fmt.Sprint(l.Items[0]["id"])
		}
	}
	t.r.t.Fatal("the edit is not in the log")
	return ""
}

// walk calls f for the row of each route, as a subtest.
func (r *rig) walk(f func(t *testing.T, r *rig, method, path string, w row)) {
	r.t.Helper()
	for _, pattern := range r.api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		w, ok := matrix[pattern]
		if !ok {
			r.t.Errorf("%s has no row in the matrix", pattern)
			continue
		}
		r.t.(*testing.T).Run(pattern, func(t *testing.T) {
			outer := r.t
			r.t = t
			defer func() { r.t = outer }()
			f(t, r, method, path, w)
		})
	}
}
