package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/nself-chat/hub"
)

// The examples of the description: of answers by their type, and of requests by
// operation. They are tested: each request is made, with the ids of things that
// are there, and its answer has the shape of the example.

// The things of the examples.
const (
	exampleUserID     hub.UserID     = "01a20020-bff2-7000-8f4d-52d2a4c1e9b7"
	exampleMemberID   hub.UserID     = "01a20020-d001-7000-a3c5-90be61f7d2c4"
	exampleChannelID  hub.ChannelID  = "01a20020-bff8-7000-b0aa-7e1f65c2d9e3"
	exampleMessageID  hub.MessageID  = "01a20021-0696-7000-9d3e-4c5b6a798897"
	exampleRootID     hub.MessageID  = "01a20021-1b44-7000-8e21-1f0e2d3c4b5a"
	exampleFileID     hub.FileID     = "01a20021-2a10-7000-b6c7-d8e9fa0b1c2d"
	exampleIncomingID hub.IncomingID = "01a20021-04fb-7000-8a6b-3d2c1b0a9f8e"
	exampleCallID     hub.CallID     = "01a20021-0690-7000-9c8d-7e6f5a4b3c2d"
	exampleWebhookID  hub.WebhookID  = "01a20022-3c5d-7000-a1b2-c3d4e5f60718"
	exampleDeliveryID hub.DeliveryID = "01a20024-85a0-7000-bd1e-2f3a4b5c6d7e"
	exampleEventID    hub.EventID    = "01a20024-859b-7000-ad0d-c530a4d1d7ae"
	exampleTokenID    hub.TokenID    = "01a20023-7f00-7000-8c9d-0e1f2a3b4c5d"
	exampleSessionID  hub.SessionID  = "01a20023-9a11-7000-b7e8-f90a1b2c3d4e"
	exampleAuditID    hub.AuditID    = "01a20022-3c60-7000-9e0f-1a2b3c4d5e6f"
)

var exampleIDs = map[reflect.Type]any{
	reflect.TypeFor[hub.UserID](): exampleUserID, reflect.TypeFor[hub.ChannelID](): exampleChannelID,
	reflect.TypeFor[hub.MessageID](): exampleMessageID, reflect.TypeFor[hub.FileID](): exampleFileID,
	reflect.TypeFor[hub.IncomingID](): exampleIncomingID, reflect.TypeFor[hub.CallID](): exampleCallID,
	reflect.TypeFor[hub.WebhookID](): exampleWebhookID, reflect.TypeFor[hub.DeliveryID](): exampleDeliveryID,
	reflect.TypeFor[hub.EventID](): exampleEventID, reflect.TypeFor[hub.TokenID](): exampleTokenID,
	reflect.TypeFor[hub.SessionID](): exampleSessionID,
}

// exampleTime is some minutes after the hub of the examples was set up.
func exampleTime(minutes int) time.Time {
	return time.Date(2026, time.November, 21, 22, minutes, 25, 83_935_000, time.UTC)
}

// exampleVersion is of what was changed at a time.
const exampleVersion = "20261121222525.083935"

// Secrets as they look, of nothing.
const (
	exampleToken    = "nodft2hgbg6ufzpd3m7lkytuyjsllwnx3vl67vy"
	exampleAPIToken = "hub_exampleExampleExampleExampleExampleExample0"
	exampleSecret   = "whsec_ZXhhbXBsZWV4YW1wbGVleGFtcGxlZXhhbXBsZQ=="
)

var (
	exampleAuthor  = hub.Author{ID: exampleUserID, Kind: hub.UserHuman, Username: "owner", DisplayName: "Owner", AvatarURL: "https://example.com/o.png"}
	exampleChannel = Channel{
		ID: exampleChannelID, Name: "deployments", Description: "What goes live", Topic: "Release 1.4", Type: hub.ChannelPublic,
		MemberCount: 3, MessageCount: 12, LastMessageAt: exampleTime(5), CreatedBy: exampleUserID, CreatedAt: exampleTime(1), UpdatedAt: exampleTime(5),
		ArchivedAt: exampleTime(9), IsArchived: true, Version: exampleVersion,
	}
	exampleEmbed = hub.Embed{
		Title: "Build 17", Description: "All tests **passed**", URL: "https://ci.example.com/17", Color: "#2eb67d", Footer: "ci",
		Fields: []hub.EmbedField{{Name: "Branch", Value: "main", Inline: true}},
	}
	exampleFile = hub.AttachmentInfo{
		ID: exampleFileID, Filename: "build.log", MimeType: "text/plain; charset=utf-8", Size: 2048, URL: "/api/files/" + string(exampleFileID),
	}
	exampleMessage = Message{
		ID: exampleMessageID, ChannelID: exampleChannelID, ThreadID: exampleRootID, Author: exampleAuthor,
		Content: "Build 17 is **out**", Type: hub.MessageText,
		Embeds: []hub.Embed{exampleEmbed}, Attachments: []hub.AttachmentInfo{exampleFile},
		Reactions: []hub.Reaction{{Emoji: "🎉", Count: 1, UserIDs: []hub.UserID{exampleMemberID}}},
		IsPinned:  true, CreatedAt: exampleTime(3), EditedAt: exampleTime(4), Revision: 2,
	}
	exampleRoot = Message{
		ID: exampleRootID, ChannelID: exampleChannelID, Author: exampleAuthor, Content: "Which builds are out?", Type: hub.MessageText, ReplyCount: 1,
		Embeds: []hub.Embed{}, Attachments: []hub.AttachmentInfo{},
		Reactions: []hub.Reaction{{Emoji: "👀", Count: 1, UserIDs: []hub.UserID{exampleMemberID}}},
		CreatedAt: exampleTime(2), EditedAt: exampleTime(3), Revision: 2,
	}
	exampleUser = User{
		ID: exampleMemberID, Kind: hub.UserHuman, Username: "ann", DisplayName: "Ann Example", Email: "ann@example.com",
		AvatarURL: "https://example.com/ann.png", Role: hub.RoleMember, Status: "active", CreatedAt: exampleTime(1), UpdatedAt: exampleTime(1),
		Version: exampleVersion,
	}
	exampleIncoming = IncomingWebhook{
		ID: exampleIncomingID, Name: "build server", ChannelID: exampleChannelID, UserID: exampleUserID, Username: "Build",
		AvatarURL: "https://example.com/build.png", Enabled: true, Signed: true, AllowIPs: []string{"192.0.2.0/24"}, ExpiresAt: exampleTime(59),
		RateLimit: ptr(120), KeyTemplate: "{/job}", FieldMap: &exampleFieldMap, PreviousUntil: exampleTime(50), LastUsedAt: exampleTime(5),
		CallCount: 42, RefusedCount: 1, CreatedBy: exampleUserID, CreatedAt: exampleTime(1), UpdatedAt: exampleTime(2), Version: exampleVersion,
	}
	exampleFieldMap = FieldMap{Title: "{/host} is {/state}", Text: "/output", Color: "/state"}
	exampleCall     = Call{
		ID: exampleCallID, IncomingID: exampleIncomingID, Verdict: "accepted", Reason: "1 image shown as a link.",
		Dialect: "nself-chat", RecognisedBy: "text with icon_url",
		RemoteIP: "192.0.2.7", Status: http.StatusOK, BodySize: 57, MessageID: exampleMessageID, Duration: 3.003, CreatedAt: exampleTime(3),
	}
	exampleFullCall = func() Call {
		c := exampleCall
		c.Headers, c.Query = map[string]string{"Content-Type": "application/json"}, "wait=true"
		c.Body, c.Answer = `{"text":"Build 17 is **out**"}`, `{"success":true,"message":"Message posted successfully"}`
		return c
	}()
	exampleCallDetail = CallDetail{exampleFullCall, &exampleMessage, &Rendered{1, "Build 17 is out", []hub.Embed{}}}
	exampleOutgoing   = OutgoingWebhook{
		ID: exampleWebhookID, Name: "orders", URL: "https://orders.example.com/hook", State: hub.WebhookActive, Enabled: true,
		Events: []string{"message.*", "order.created"}, ChannelIDs: []hub.ChannelID{exampleChannelID},
		Filter:  &Filter{hub.Filter{Field: "message.content", Contains: ptr("order")}},
		Headers: map[string]string{"x-team": masked}, Timeout: 30000, MaxRetries: 3, RetryDelay: 5000, RetrySchedule: hub.ScheduleDays, Concurrency: 10,
		Ordering: hub.OrderConversation, Signing: hub.SigningHub, Health: EndpointHealth{Healthy: true},
		Deliveries: map[hub.DeliveryStatus]int64{hub.DeliverySuccess: 17}, CreatedBy: exampleUserID, CreatedAt: exampleTime(1), UpdatedAt: exampleTime(2),
		Version: exampleVersion,
	}
	exampleDelivery = Delivery{
		ID: exampleDeliveryID, WebhookID: exampleWebhookID, EventID: exampleEventID, Event: "order.created", Status: hub.DeliverySuccess,
		Attempts: 1, LastStatus: http.StatusOK, DueAt: exampleTime(5), OrderKey: "order-17",
		CreatedAt: exampleTime(5), UpdatedAt: exampleTime(5), FinishedAt: exampleTime(5),
	}
	exampleAttempt = Attempt{
		Number: 1, StartedAt: exampleTime(5), Duration: 12.5, RequestHeaders: json.RawMessage(`{"Content-Type":"application/json","X-Team":"********"}`),
		ResponseStatus: http.StatusOK, ResponseHeaders: json.RawMessage(`{"Content-Type":"text/plain"}`), ResponseBody: "thanks",
		RemoteAddr: "192.0.2.10:443", Result: "success", Reason: "The endpoint answered 200.",
	}
	exampleEvent = Event{
		ID: exampleEventID, Seq: 77, Event: "order.created", Timestamp: exampleTime(5), ChannelID: exampleChannelID,
		TriggeredBy: &hub.TriggeredBy{UserID: exampleUserID, Username: "owner"},
		Origin:      hub.Origin{Kind: hub.OriginIncoming, ID: string(exampleIncomingID)},
		TraceID:     "87d7c3f0a1b2c3d4e5f60718293a4b5c", Data: json.RawMessage(`{"id":17,"total":"99.00"}`),
	}
	exampleCredential = Credential{
		ID: exampleTokenID, Name: "ci", UserID: exampleUserID, Scope: hub.ScopeWrite, ChannelIDs: []hub.ChannelID{exampleChannelID},
		CreatedAt: exampleTime(2), LastUsedAt: exampleTime(5), ExpiresAt: exampleTime(59),
	}
)

// answerExamples are by the type of the answer.
var answerExamples = func() map[reflect.Type]any {
	all := make(map[reflect.Type]any)
	for _, v := range []any{
		exampleChannel, exampleMessage, exampleUser, exampleFile, exampleIncoming, exampleCall, exampleOutgoing, exampleDelivery, exampleEvent,
		exampleCredential,
		Member{
			ChannelID: exampleChannelID, UserID: exampleMemberID, Role: hub.RoleMember, JoinedAt: exampleTime(2), Version: exampleVersion + ".member",
			User: hub.UserInfo{
				ID: exampleMemberID, Username: "ann", DisplayName: "Ann Example", Kind: hub.UserHuman, AvatarURL: "https://example.com/ann.png",
			},
		},
		Thread{Root: exampleRoot, Items: []Message{exampleMessage}},
		Revision{Number: 1, Content: "Build 17 is out", Embeds: []hub.Embed{exampleEmbed}, EditedBy: exampleUserID, CreatedAt: exampleTime(4)},
		Hit{Message: exampleMessage, Snippet: "Build 17 is out", Marks: []Mark{{0, 5}}},
		IncomingWebhookMade{exampleIncoming, exampleToken, "https://hub.example.com/api/webhooks/incoming/" + exampleToken},
		exampleCallDetail,
		TracedCall{exampleCallDetail, []TracedEvent{{
			ID: exampleEventID, Event: "message.created", Timestamp: exampleTime(3), TraceID: "87d7c3f0a1b2c3d4e5f60718293a4b5c",
			Deliveries: []TracedDelivery{{exampleDeliveryID, exampleWebhookID, hub.DeliverySuccess}},
		}}},
		Dialect{"nself-chat", "nself-chat"},
		Reading{
			Dialect: "card", RecognisedBy: "nothing else", Key: "template:db-1", Username: "Build", AvatarURL: "https://example.com/build.png", Content: "",
			Embeds:      []hub.Embed{{Title: "db-1 is down", Color: "#e01e5a", Fields: []hub.EmbedField{{Name: "state", Value: "down"}}}},
			Attachments: []ReadingFile{}, Losses: []Loss{{"image", "asLink", 1}},
			Remarks: "The field mapping found neither a title nor a text, so everything is shown.",
		},
		OutgoingWebhookMade{exampleOutgoing, exampleSecret},
		RotatedSecret{exampleSecret, exampleTime(50)},
		TestSent{exampleEventID, exampleDeliveryID},
		ReplayResult{Deliveries: 3},
		DeliveryDetail{
			exampleDelivery, &SentRequest{
				map[string][]string{"Content-Type": {"application/json"}, "X-Webhook-Event": {"order.created"}},
				`{"id":"` + string(exampleDeliveryID) + `","event":"order.created","data":{"id":17,"total":"99.00"}}`,
			}, []Attempt{exampleAttempt},
		},
		Published{exampleEventID, 1},
		QueueStats{
			Total: 20, Completed: 17, Delayed: 2, Failed: 1, OldestDueSeconds: 0.25,
			Lanes: []Lane{{exampleWebhookID, hub.WebhookActive, false, 0, map[hub.DeliveryStatus]int64{hub.DeliverySuccess: 17}}},
		},
		TokenMade{exampleCredential, exampleAPIToken},
		Session{exampleSessionID, exampleUserID, "Mozilla/5.0", "192.0.2.7", exampleTime(1), exampleTime(5), exampleTime(59)},
		SessionsEnded{2},
		AuditEntry{
			ID: exampleAuditID, ActorID: exampleUserID, TokenID: exampleTokenID, RemoteIP: "192.0.2.7", UserAgent: "curl/8.5.0",
			TraceID: "87d7c3f0a1b2c3d4e5f60718293a4b5c", Action: "channel.update", Subject: string(exampleChannelID),
			Before: json.RawMessage(`{"topic":""}`), After: json.RawMessage(`{"topic":"Release 1.4"}`), CreatedAt: exampleTime(5),
		},
	} {
		all[reflect.TypeOf(v)] = v
	}
	all[reflect.TypeFor[Call]()] = exampleFullCall
	return all
}()

// exampleOf returns the example of an answer's type; of a page it is a page with
// the example of what it lists.
func exampleOf(t reflect.Type) any {
	if v, ok := answerExamples[t]; ok {
		return v
	}
	items, ok := t.FieldByName("Items")
	if !ok {
		return nil
	}
	out := reflect.New(t).Elem()
	one := reflect.ValueOf(exampleOf(items.Type.Elem()))
	out.FieldByName("Items").Set(reflect.Append(reflect.MakeSlice(items.Type, 0, 1), one))
	out.FieldByName("NextCursor").SetString("Y2hhbm5lbDpkZXBsb3ltZW50cw")
	return out.Interface()
}

// requestExamples are by operation.
var requestExamples = map[string]any{
	"createChannel": object{"name": "deployments", "type": "public", "topic": "Release 1.4", "description": "What goes live"},
	"updateChannel": object{"topic": "Release 1.4", "description": nil, "isArchived": false},
	"setMember":     object{"role": "member"},
	"postMessage": object{
		"content": "Build 17 is **out**", "threadId": exampleRootID, "fileIds": []any{exampleFileID},
		"embeds": []any{object{"title": "Build 17", "color": "#2eb67d", "fields": []any{object{"name": "Branch", "value": "main", "inline": true}}}},
	},
	"editMessage": object{"content": "Build 17 is **out**"},
	"createUser": object{
		"kind": "human", "username": "ann", "displayName": "Ann Example", "email": "ann@example.com",
		"avatarUrl": "https://example.com/ann.png", "role": "member",
	},
	"updateUser": object{"displayName": "Ann Example", "avatarUrl": nil, "role": "member", "status": "active"},
	"createIncomingWebhook": object{
		"name": "build server", "targetChannelId": exampleChannelID, "username": "Build", "avatarUrl": "https://example.com/build.png",
		"allowIps": []any{"192.0.2.0/24"}, "rateLimit": 120, "hmacSecret": "a-secret-of-your-own", "keyTemplate": "{/job}",
		"fieldMap": object{"title": "{/host} is {/state}", "text": "/output", "color": "/state"},
	},
	"updateIncomingWebhook": object{"name": "build server", "enabled": true, "rateLimit": nil, "allowIps": []any{"192.0.2.0/24", "2001:db8::/32"}},
	"rotateIncomingToken":   object{"overlapHours": 24},
	"previewCall":           object{"keyTemplate": "{/job}", "fieldMap": object{"title": "{/host} is {/state}", "color": "/state"}},
	"createOutgoingWebhook": object{
		"name": "orders", "url": "https://orders.example.com/hook", "secret": "a-secret-of-your-own", "events": []any{"message.*", "order.created"},
		"channelIds": []any{exampleChannelID}, "filter": object{"field": "message.content", "contains": "order"},
		"headers": object{"X-Team": "orders"}, "timeout": 30000, "maxRetries": 3, "retryDelay": 5000, "rateLimit": 0, "concurrency": 10,
		"ordering": "conversation", "signing": "nchat", "enabled": true,
	},
	"updateOutgoingWebhook": object{"events": []any{"message.*"}, "filter": nil, "retrySchedule": "days", "concurrency": 4},
	"rotateOutgoingSecret":  object{"overlapHours": 24},
	"resumeOutgoingWebhook": object{"held": "deliver"},
	"replayOutgoingWebhook": object{
		"status": "failed", "since": "2026-11-21T00:00:00Z", "until": "2026-11-22T00:00:00Z", "dryRun": true, "ratePerMinute": 60,
	},
	"publishEvent": object{
		"event": "order.created", "data": object{"id": 17, "total": "99.00"},
		"triggeredBy": object{"userId": exampleUserID, "username": "owner"}, "idempotencyKey": "order-17",
	},
	"createToken": object{
		"name": "ci", "userId": exampleUserID, "scope": "write", "channelIds": []any{exampleChannelID}, "expiresAt": "2099-01-01T00:00:00Z",
	},
}

// object is a JSON object of an example.
type object map[string]any
