package chat

import (
	"fmt"
	"slices"
	"testing"

	"github.com/nself-chat/hub"
)

func TestChannelsInPages(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	for _, n := range []NewChannel{{Name: "b"}, {Name: "a", Type: hub.ChannelPrivate}, {Name: "c"}} {
		must(w.CreateChannel(ctx, n, Cause{By: w.ann.ID}))(t)
	}
	list := func(v Viewer) (names []string) {
		t.Helper()
		for cursor := ""; ; {
			page, next, err := w.Channels(ctx, v, cursor, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("%v, %v", page, err)
			}
			for _, c := range page {
				names = append(names, c.Name)
			}
			if next == "" {
				return names
			}
			cursor = next
		}
	}
	same(t, "all", list(Viewer{All: true}), []string{"a", "b", "c", "general", "notices"})
	same(t, "a member", list(Viewer{UserID: w.ann.ID}), []string{"a", "b", "c", "general"})
	same(t, "no member", list(Viewer{UserID: w.bob.ID}), []string{"b", "c", "general"})
	same(t, "a guest, two channels", list(Viewer{Only: []hub.ChannelID{w.d.General, w.d.Notices}}), []string{"general"})
}

func TestMessagesInPages(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	var ids []hub.MessageID // newest first
	for i := range 7 {
		ids = append([]hub.MessageID{w.post(fmt.Sprint(i)).ID}, ids...)
	}
	reply := w.reply(ids[6], "reply").ID
	if err := w.Pin(ctx, ids[2], Cause{}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		q    MessageQuery
		want []hub.MessageID
		more bool
	}{
		"all":              {MessageQuery{}, append([]hub.MessageID{reply}, ids...), false},
		"top level":        {MessageQuery{TopLevel: true}, ids, false},
		"newest":           {MessageQuery{TopLevel: true, Limit: 3}, ids[:3], true},
		"exactly all":      {MessageQuery{TopLevel: true, Limit: 7}, ids, false},
		"older":            {MessageQuery{TopLevel: true, Before: ids[2], Limit: 4}, ids[3:], false},
		"newer":            {MessageQuery{TopLevel: true, After: ids[6], Limit: 2}, ids[4:6], true},
		"newer, the last":  {MessageQuery{TopLevel: true, After: ids[2], Limit: 2}, ids[:2], false},
		"thread":           {MessageQuery{Thread: ids[6]}, []hub.MessageID{reply}, false},
		"pinned":           {MessageQuery{Pinned: true}, ids[2:3], false},
		"thread of no one": {MessageQuery{Thread: ids[0]}, nil, false},
	} {
		test.q.ChannelID = w.d.General
		page, more, err := w.Messages(ctx, test.q)
		var got []hub.MessageID
		for _, m := range page {
			got = append(got, m.ID)
		}
		if err != nil || !slices.Equal(got, test.want) || more != test.more {
			t.Errorf("%s: %v, more: %v, %v; want %v, %v", name, got, more, err, test.want, test.more)
		}
	}
	if got := pageSize(100000); got != 500 {
		t.Errorf("the largest page is %d", got)
	}
}

func TestCounters(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	m := w.post("x")
	w.clock.advance(1e9)
	last := w.post("y")
	if err := w.Delete(ctx, m.ID, Cause{}); err != nil {
		t.Fatal(err)
	}
	got := must(w.Channel(ctx, w.d.General))(t)
	if got.MessageCount != 1 || !got.LastMessageAt.Equal(last.CreatedAt) {
		t.Errorf("%d messages, the last at %v", got.MessageCount, got.LastMessageAt)
	}
}
