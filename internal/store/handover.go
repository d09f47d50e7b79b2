package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// A delivery that is leased to another process is told to that one with the commit
// (NOTIFY), together with its event. Each process hears under a name of its own that
// only who may read the hub's tables knows: any role of the database can listen.

// handed is a delivery that a transaction hands over, with its event.
type handed struct {
	d   *hub.RoutedDelivery
	e   *hub.Event
	ear string // of the process that it is handed over to
}

func (b *bulk) addHanded(d *hub.RoutedDelivery, e *hub.Event, ear string) {
	b.handed = append(b.handed, handed{d, e, ear})
}

// handoverHead is the first line of a handover; the event's data follow, byte for
// byte.
type handoverHead struct {
	Node       string           `json:"node"` // to which the deliveries are leased
	ID         hub.EventID      `json:"id"`
	Type       string           `json:"type"`
	Time       time.Time        `json:"time"`
	Origin     hub.Origin       `json:"origin"`
	By         *hub.TriggeredBy `json:"by,omitempty"`
	OrderKey   string           `json:"key,omitempty"`
	Deliveries []handoverItem   `json:"to"`
}

type handoverItem struct {
	Lane    hub.WebhookID `json:"w"`
	Seq     int64         `json:"n"`
	Mark    int64         `json:"m,omitempty"`
	Ordered bool          `json:"o,omitempty"`
}

// handovers writes what is told to whom: a text for each event and process, or
// several when it goes to many lanes.
func handovers(all []handed) (ears, texts []string, err error) {
	for len(all) > 0 {
		e := all[0].e
		n := 1
		for n < len(all) && all[n].e == e {
			n++
		}
		byNode, earOf := make(map[string][]handoverItem, 1), make(map[string]string, 1)
		var nodes []string
		for _, h := range all[:n] {
			if byNode[h.d.LeasedTo] == nil {
				nodes, earOf[h.d.LeasedTo] = append(nodes, h.d.LeasedTo), h.ear
			}
			byNode[h.d.LeasedTo] = append(byNode[h.d.LeasedTo],
				handoverItem{Lane: h.d.WebhookID, Seq: h.d.LeaseSeq, Mark: h.d.Mark, Ordered: h.d.OrderKey != ""})
		}
		all = all[n:]
		for _, node := range nodes {
			head := handoverHead{Node: node, ID: e.ID, Type: e.Type, Time: e.Time, Origin: e.Origin, By: e.TriggeredBy, OrderKey: e.OrderKey}
			parts, err := head.texts(byNode[node], e.Data)
			if err != nil {
				return nil, nil, fmt.Errorf("store: hand over event %s: %w", e.ID, err)
			}
			for _, text := range parts {
				ears, texts = append(ears, earOf[node]), append(texts, text)
			}
		}
	}
	return ears, texts, nil
}

// texts writes a handover in as many parts as it takes to keep each below
// maxSignal.
func (h handoverHead) texts(items []handoverItem, data []byte) (texts []string, err error) {
	h.Deliveries = items
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(text)+1+len(data) <= maxSignal {
		return []string{string(text) + "\n" + string(data)}, nil
	}
	if len(items) == 1 {
		return nil, fmt.Errorf("%d bytes are more than a signal holds", len(text)+1+len(data))
	}
	for _, half := range [][]handoverItem{items[:len(items)/2], items[len(items)/2:]} {
		some, err := h.texts(half, data)
		if err != nil {
			return nil, err
		}
		texts = append(texts, some...)
	}
	return texts, nil
}

// readHandover is the inverse of texts.
func readHandover(text string) (r hub.Routing, err error) {
	first, data, _ := strings.Cut(text, "\n")
	var h handoverHead
	if err := json.Unmarshal([]byte(first), &h); err != nil {
		return r, fmt.Errorf("store: a handover cannot be read: %w", err)
	}
	r.Event = &hub.Event{ID: h.ID, Type: h.Type, Time: h.Time, Data: []byte(data), Origin: h.Origin, TriggeredBy: h.By, OrderKey: h.OrderKey}
	r.Deliveries = make([]hub.RoutedDelivery, len(h.Deliveries))
	for i, item := range h.Deliveries {
		d := &r.Deliveries[i]
		d.ID, d.WebhookID, d.EventID, d.EventType = hub.DeliveryIDFor(h.ID, item.Lane), item.Lane, h.ID, h.Type
		d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, h.Node, 1, item.Seq
		d.Mark, d.Handed = item.Mark, true
		if item.Ordered {
			d.OrderKey = h.OrderKey
		}
	}
	return r, nil
}

// earOf returns where a process hears of what is handed over to it, "": nowhere.
func (p *postgres) earOf(node string) string {
	if ears := p.ears.Load(); ears != nil {
		return (*ears)[node]
	}
	return ""
}
