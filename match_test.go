package hub_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub"
)

func TestMatchEvent(t *testing.T) {
	for _, tt := range []struct {
		pattern, event string
		want           bool
	}{
		{"message.created", "message.created", true},
		{"message.created", "message.created2", false},
		{"message.*", "message.created", true},
		{"message.*", "message.reaction.added", true},
		{"message.*", "message", false},
		{"*", "anything.at.all", true},
		{"*.created", "channel.created", true},
		{"*.created", "channel.updated", false},
		{"reaction.added", "message.reaction.added", true},
		{"message.reaction.*", "reaction.removed", true},
		{"member.*", "user.joined", true},
		{"user.joined", "member.joined", true},
		{"member.paid", "member.paid", true},
		{"member.*", "member.paid", true},
		{"mem*", "member.paid", true},
		{"user.*", "member.paid", true},
		{"member.paid", "user.paid", true},
		{"reaction.*", "reaction.nuclear", true},
		{"message.*", "reaction.nuclear", false},
		{"message.*", "reaction.added", true},
		{"member*", "membership.ended", true},
		{"user", "member", false},
		{"deploy.*.done", "deploy.eu.west.done", true},
		{"deploy.*.done", "deploy.done", false},
		{"**", "x", true},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "aXcYb", false},
	} {
		if got := hub.MatchEvent(tt.pattern, tt.event); got != tt.want {
			t.Errorf("MatchEvent(%q, %q) = %v", tt.pattern, tt.event, got)
		}
	}
}

// A pattern made by replacing parts of a name with stars matches the name.
func TestMatchEventProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,6}(\.[a-z]{1,6}){0,3}`).Draw(t, "name")
		from := rapid.IntRange(0, len(name)).Draw(t, "from")
		to := rapid.IntRange(from, len(name)).Draw(t, "to")
		pattern := name[:from] + "*" + name[to:]
		if !hub.MatchEvent(pattern, name) {
			t.Fatalf("%q does not match %q", pattern, name)
		}
	})
}

// Events of the hub's own go by one name; what others named keeps its name.
func TestCanonicalEvent(t *testing.T) {
	aliases := 0
	for _, own := range hub.EventTypes() {
		if got := hub.CanonicalEvent(own); got != own {
			t.Errorf("%s is called %s", own, got)
		}
		for _, name := range []string{strings.TrimPrefix(own, "message."), "member." + strings.TrimPrefix(own, "user.")} {
			aliased := strings.HasPrefix(name, "reaction.") || strings.HasPrefix(own, "user.") && strings.HasPrefix(name, "member.")
			if aliased {
				aliases++
			}
			if got := hub.CanonicalEvent(name); aliased && got != own || !aliased && got != name {
				t.Errorf("%s is called %s", name, got)
			}
		}
	}
	if aliases != 7 {
		t.Errorf("%d aliases", aliases)
	}
	for _, name := range []string{"member.paid", "reaction.nuclear", "member", "reaction", "member.joined.twice", "members.joined"} {
		if got := hub.CanonicalEvent(name); got != name {
			t.Errorf("%s is called %s", name, got)
		}
	}
}

func TestValidEventName(t *testing.T) {
	for name, want := range map[string]bool{
		"message.created": true, "a": true, "a_b-c.D9": true, "": false, ".a": false, "a.": false, "a..b": false,
		"a b": false, "ä": false, "a*": false, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "a\n": false,
	} {
		if got := hub.ValidEventName(name); got != want {
			t.Errorf("ValidEventName(%q) = %v", name, got)
		}
	}
}

func TestSubscriptionMatches(t *testing.T) {
	event := hub.Event{Type: "message.created", ChannelID: "c1", Data: []byte(`{"message":{"content":"hello"}}`)}
	private := event
	private.ChannelPrivate = true
	quiet := event
	quiet.Quiet = true
	aimed := event
	aimed.Target = "w1"
	own := event
	own.Origin = hub.Origin{Kind: hub.OriginHub, ID: "w1"}
	custom := hub.Event{Type: "deploy.done"}
	all := hub.Subscription{WebhookID: "w1", State: hub.WebhookActive, Events: []string{"*"}}
	with := func(change func(*hub.Subscription)) hub.Subscription {
		s := all
		change(&s)
		return s
	}
	hello := `{"field":"message.content","contains":"hell"}`
	filter := func(text string) *hub.Filter {
		f := &hub.Filter{}
		if err := json.Unmarshal([]byte(text), f); err != nil {
			t.Fatal(err)
		}
		if err := f.Compile("filter"); err != nil {
			t.Fatal(err)
		}
		return f
	}
	tests := map[string]struct {
		sub   hub.Subscription
		event hub.Event
		want  bool
	}{
		"everything":                 {all, event, true},
		"paused still matches":       {with(func(s *hub.Subscription) { s.State = hub.WebhookPaused }), event, true},
		"disabled":                   {with(func(s *hub.Subscription) { s.State = hub.WebhookDisabled }), event, false},
		"other type":                 {with(func(s *hub.Subscription) { s.Events = []string{"channel.*"} }), event, false},
		"its channel":                {with(func(s *hub.Subscription) { s.ChannelIDs = []hub.ChannelID{"c1"} }), event, true},
		"another channel":            {with(func(s *hub.Subscription) { s.ChannelIDs = []hub.ChannelID{"c2"} }), event, false},
		"no channel, channel filter": {with(func(s *hub.Subscription) { s.ChannelIDs = []hub.ChannelID{"c2"} }), custom, true},
		"private channel":            {all, private, false},
		"private channel, named":     {with(func(s *hub.Subscription) { s.ChannelIDs = []hub.ChannelID{"c1"} }), private, true},
		"quiet":                      {all, quiet, false},
		"aimed at it":                {with(func(s *hub.Subscription) { s.Events = nil }), aimed, true},
		"aimed at another":           {with(func(s *hub.Subscription) { s.WebhookID = "w2" }), aimed, false},
		"about itself":               {all, own, false},
		"filter holds":               {with(func(s *hub.Subscription) { s.Filter = filter(hello) }), event, true},
		"filter does not hold":       {with(func(s *hub.Subscription) { s.Filter = filter(`{"not":` + hello + `}`) }), event, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := func() any { return hub.FilterData(tt.event.Data) }
			if got := tt.sub.Matches(&tt.event, data); got != tt.want {
				t.Errorf("matches: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFilter(t *testing.T) {
	data := `{"message":{"content":"Deploy done","size":3,"tags":["a","b"],"none":null},"ok":true,
		"list":[{"name":"x"},{"name":"y"}],
		"n":{"snowflake":9007199254740993,"vast":1e400,"tiny":-1e-400,"beyond":1e99999999999999999999,"zero":-0.0,"cents":2.50}}`
	tests := map[string]bool{
		`{"field":"message.content","equals":"Deploy done"}`:                                       true,
		`{"field":"message.content","equals":"deploy done"}`:                                       false,
		`{"field":"message.size","equals":3}`:                                                      true,
		`{"field":"message.size","equals":"3"}`:                                                    false,
		`{"field":"ok","equals":true}`:                                                             true,
		`{"field":"message.none","equals":null}`:                                                   true,
		`{"field":"message.absent","equals":null}`:                                                 false,
		`{"field":"message.absent","notEquals":1}`:                                                 true,
		`{"field":"message.size","notEquals":3}`:                                                   false,
		`{"field":"message.size","in":[1,2,3]}`:                                                    true,
		`{"field":"message.content","contains":"ploy"}`:                                            true,
		`{"field":"message.tags","contains":"b"}`:                                                  true,
		`{"field":"message.tags","contains":"c"}`:                                                  false,
		`{"field":"message.content","startsWith":"Dep"}`:                                           true,
		`{"field":"message.content","endsWith":"Dep"}`:                                             false,
		`{"field":"message.content","matches":"(?i)^deploy"}`:                                      true,
		`{"field":"message.size","matches":"3"}`:                                                   false,
		`{"field":"message.size","greaterThan":2}`:                                                 true,
		`{"field":"message.size","lessThan":3}`:                                                    false,
		`{"field":"n.snowflake","equals":9007199254740993}`:                                        true,
		`{"field":"n.snowflake","equals":9007199254740992}`:                                        false,
		`{"field":"n.vast","greaterThan":1e308}`:                                                   true,
		`{"field":"n.vast","equals":10e399}`:                                                       true,
		`{"field":"n.beyond","greaterThan":1e308}`:                                                 true,
		`{"field":"n.tiny","lessThan":0}`:                                                          false,
		`{"field":"n.tiny","lessThan":1}`:                                                          true,
		`{"field":"n.zero","equals":0}`:                                                            true,
		`{"field":"n.zero","lessThan":1}`:                                                          true,
		`{"field":"n.cents","in":[25e-1]}`:                                                         true,
		`{"field":"n.cents","lessThan":2.6}`:                                                       true,
		`{"field":"message.none","exists":true}`:                                                   true,
		`{"field":"message.absent","exists":false}`:                                                true,
		`{"field":"list.1.name","equals":"y"}`:                                                     true,
		`{"field":"list.2.name","exists":true}`:                                                    false,
		`{"field":"list.x","exists":true}`:                                                         false,
		`{"all":[{"field":"ok","equals":true},{"field":"message.size","greaterThan":2}]}`:          true,
		`{"all":[{"field":"ok","equals":true},{"field":"message.size","greaterThan":9}]}`:          false,
		`{"any":[{"field":"ok","equals":false},{"field":"message.size","greaterThan":2}]}`:         true,
		`{"not":{"any":[{"field":"ok","equals":false},{"field":"message.size","greaterThan":9}]}}`: true,
	}
	v := hub.FilterData([]byte(data))
	for text, want := range tests {
		var f hub.Filter
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if err := f.Compile("filter"); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.Matches(v); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestFilterRefused(t *testing.T) {
	deep := strings.Repeat(`{"not":`, 9) + `{"field":"a","exists":true}` + strings.Repeat(`}`, 9)
	wide := `{"all":[` + strings.TrimSuffix(strings.Repeat(`{"field":"a","exists":true},`, 65), ",") + `]}`
	for text, field := range map[string]string{
		`{}`:                                     "filter",
		`{"field":"a"}`:                          "filter",
		`{"field":"a","equals":1,"exists":true}`: "filter",
		`{"equals":1}`:                           "filter",
		`{"all":[],"any":[]}`:                    "filter",
		`{"all":[{"field":"a","exists":true},{}]}`:                     "filter.all[1]",
		`{"not":{"field":"a","matches":"("}}`:                          "filter.not",
		`{"field":"a","contains":"` + strings.Repeat("x", 1025) + `"}`: "filter",
		`{"field":"` + strings.Repeat("x", 1025) + `","contains":"x"}`: "filter.field",
		`{"all":[]}`:            "filter",
		`{"field":"a","in":[]}`: "filter",
		deep:                    "filter" + strings.Repeat(".not", 8),
		wide:                    "filter.all[63]",
	} {
		var f hub.Filter
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		err, ok := errors.AsType[*hub.Error](f.Compile("filter"))
		if !ok || err.Code != hub.Invalid || !slices.ContainsFunc(err.Fields, func(e hub.FieldError) bool { return e.Field == field }) {
			t.Errorf("%.60s: %v, want a refusal of %s", text, err, field)
		}
	}
	if (&hub.Filter{Field: "a"}).Matches(map[string]any{"a": 1}) {
		t.Error("a filter that was never compiled matches")
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"field":"a.b","equals":1}`, `{"a":{"b":1}}`)
	f.Add(`{"all":[{"not":{"field":"0","matches":"x+"}}]}`, `["xx"]`)
	f.Fuzz(func(t *testing.T, filter, data string) {
		var fl hub.Filter
		var v any
		if json.Unmarshal([]byte(filter), &fl) != nil || fl.Compile("filter") != nil {
			return
		}
		fl.Matches(hub.FilterData([]byte(data)))
		if json.Unmarshal([]byte(data), &v) != nil { // such as 1e400, which is JSON
			return
		}
		equals := hub.Filter{Field: "v", Equals: json.RawMessage(data)}
		if err := equals.Compile("filter"); err != nil || !equals.Matches(hub.FilterData([]byte(`{"v":`+data+`}`))) {
			t.Errorf("%q is not equal to itself: %v", data, err)
		}
	})
}

func TestIDs(t *testing.T) {
	now := noon
	ids := &hub.IDs{Now: func() time.Time { return now }}
	last := ""
	for i := range 10_000 {
		if i == 5_000 {
			now = now.Add(-time.Hour) // a clock that steps back
		}
		id := ids.New()
		if id <= last || !hub.ValidID(id) || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Fatalf("id %q after %q", id, last)
		}
		last = id
	}
	behind := &hub.IDs{Now: func() time.Time { return noon.Add(-time.Hour) }}
	behind.Seed("not an id")
	behind.Seed(last)
	if id := behind.New(); id <= last {
		t.Errorf("id %q after a restart, %q before", id, last)
	}
	if got := hub.IDTime((&hub.IDs{Now: func() time.Time { return noon }}).New()); !got.Equal(noon) {
		t.Errorf("time of an id is %s", got)
	}
	if hub.FirstID(noon) > (&hub.IDs{Now: func() time.Time { return noon }}).New() {
		t.Error("FirstID is above an id of its millisecond")
	}
	if got := hub.FirstID(time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)); got != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("FirstID of 1960 is %s", got)
	}
}

func TestDeliveryIDs(t *testing.T) {
	ids := &hub.IDs{}
	seen := make(map[hub.DeliveryID]bool)
	var lastHigh hub.DeliveryID
	for range 200 {
		event := hub.EventID(ids.New())
		low, high := hub.DeliveryRange(event)
		if low <= lastHigh {
			t.Fatalf("the ranges of two events overlap: %s, %s", lastHigh, low)
		}
		lastHigh = high
		for range 20 {
			webhook := hub.WebhookID(ids.New())
			id := hub.DeliveryIDFor(event, webhook)
			if id != hub.DeliveryIDFor(event, webhook) || seen[id] || !hub.ValidID(string(id)) || id < low || id > high || id[14] != '7' {
				t.Fatalf("delivery id %s of event %s", id, event)
			}
			seen[id] = true
		}
	}
}

func TestErrorNeverLosesItsCode(t *testing.T) {
	var errs hub.FieldErrors
	if errs.Err() != nil {
		t.Error("no problems, yet an error")
	}
	errs.Add("events[0]", "must not be empty")
	err := errs.Err()
	if hub.CodeOf(err) != hub.Invalid || !strings.Contains(err.Error(), "events[0]: must not be empty") {
		t.Errorf("%v", err)
	}
	if hub.CodeOf(nil) != "" || hub.CodeOf(errors.New("foreign")) != hub.Internal {
		t.Error("codes of nil and foreign errors")
	}
}
