package control

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// overtaken is a chat in which somebody else changes the channel between its
// first reading and the change.
type overtaken struct {
	channels
	now hub.Channel
}

func (o overtaken) UpdateChannel(_ context.Context, _ hub.ChannelID, ch chat.ChannelChange, _ chat.Cause) (hub.Channel, error) {
	return o.now, ch.Check(&o.now)
}

// TestIfMatchOfChannel: the version is that of the channel which is changed,
// and so is what the audit log says was there before.
func TestIfMatchOfChannel(t *testing.T) {
	s, st, _ := newShelf(t)
	c := overtaken{channels: twoChannels()}
	read, err := c.Channel(t.Context(), publicID)
	if err != nil {
		t.Fatal(err)
	}
	c.now = read
	c.now.Topic, c.now.UpdatedAt = "theirs", read.UpdatedAt.Add(time.Second)
	s.Chat = c
	change := ChannelChange{Topic: Set("ours")}
	_, err = s.UpdateChannel(t.Context(), actors["owner"], publicID, Version(read.UpdatedAt), change)
	if _, stale := errors.AsType[*StaleError](err); !stale || len(st.entries) != 0 {
		t.Errorf("changed on an old version: %v, %v", err, st.entries)
	}
	for _, ifMatch := range []string{"", "*", Version(c.now.UpdatedAt)} {
		st.entries = nil
		if _, err := s.UpdateChannel(t.Context(), actors["owner"], publicID, ifMatch, change); err != nil {
			t.Errorf("If-Match %s: %v", ifMatch, err)
		}
		if len(st.entries) != 1 || !strings.Contains(string(st.entries[0].Before), `"topic":"theirs"`) {
			t.Errorf("audited as %+v", st.entries)
		}
	}
}
