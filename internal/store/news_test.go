package store

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/nself-chat/hub"
)

// TestNewsIsForTheOthers: who is told that there are events, and where.
func TestNewsIsForTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		ears map[string]string
		want []string
	}{
		"not known":          {nil, nil},
		"alone":              {map[string]string{"own": "a"}, nil},
		"others":             {map[string]string{"own": "a", "b": "ear b", "c": "ear c"}, []string{"ear b", "ear c"}},
		"an earlier release": {map[string]string{"own": "a", "b": "ear b", "c": "", "d": ""}, []string{"hub_s"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &postgres{schema: "s"}
			own := "own"
			p.node.Store(&own)
			if c.ears != nil {
				p.ears.Store(&c.ears)
			}
			ears, text := p.news(7)
			slices.Sort(ears)
			if !slices.Equal(ears, c.want) {
				t.Fatalf("told at %q, want %q", ears, c.want)
			}
			if len(ears) == 0 {
				return
			}
			text, apart := strings.CutPrefix(text, private)
			var sig hub.Signal
			if err := json.Unmarshal([]byte(text), &sig); err != nil || sig.From != "own" || sig.Seq != 7 || apart == (ears[0] == "hub_s") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// TestNewsGoesWithTheCommit: the other process hears of an event that is stored,
// once for a group, with a handover or without; this one hears nothing.
func TestNewsGoesWithTheCommit(t *testing.T) {
	from, to := openPair(t)
	heard, own := hear(t, to), hear(t, from)
	receive(t, heard.listening)
	receive(t, own.listening)
	if s := receive(t, heard.signals); s.Seq != -1 { // what was missed
		t.Fatalf("at first it hears %+v", s)
	}
	receive(t, own.signals)
	ids := &hub.IDs{Now: from.Now}
	event := func() *hub.Event {
		return &hub.Event{ID: hub.EventID(ids.New()), Type: "x", Time: from.Now(), Data: json.RawMessage(`{}`), Origin: hub.Origin{Kind: hub.OriginHub}}
	}
	first, second, third := event(), event(), event()
	d := hub.RoutedDelivery{Handed: true, Mark: 7}
	d.ID, d.WebhookID, d.EventID, d.EventType = hub.DeliveryIDFor(third.ID, id1), id1, third.ID, third.Type
	d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, "to", 1, 7
	if err := from.Publish(t.Context(), nil, hub.Routing{Event: first}, hub.Routing{Event: second}); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, heard.signals); s.From != "from" || s.Seq != second.Seq {
		t.Errorf("it hears %+v, want that there are events up to %d", s, second.Seq)
	}
	if err := from.Publish(t.Context(), nil, hub.Routing{Event: first}); err == nil {
		t.Error("an event was stored twice")
	}
	if err := from.Publish(t.Context(), nil, hub.Routing{Event: third, Deliveries: []hub.RoutedDelivery{d}}); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, heard.signals); s.Seq != third.Seq {
		t.Errorf("it hears %+v, want that there are events up to %d", s, third.Seq)
	}
	receive(t, heard.came)
	if err := from.Signal(t.Context(), hub.Signal{All: true}); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, heard.signals); !s.All {
		t.Errorf("it hears %+v again", s)
	}
	if n := len(own.signals); n != 0 {
		t.Errorf("it hears %d signals of its own", n)
	}
}

// fullQueue is a database whose queue of notifications has no room.
type fullQueue struct {
	writeConn
	told    bool // in this transaction
	refused int
}

func (c *fullQueue) begin() (time.Time, int64, error) {
	c.told = false
	return c.writeConn.begin()
}

func (c *fullQueue) later(text string, args ...any) error {
	c.told = c.told || strings.Contains(text, "pg_notify")
	return c.writeConn.later(text, args...)
}

func (c *fullQueue) commit() error {
	if !c.told {
		return c.writeConn.commit()
	}
	c.refused++
	c.rollback()
	return &pgconn.PgError{Code: codeLimit, Message: "too many notifications in the NOTIFY queue"}
}

// TestNewsThatCannotBeTold: what nobody can be told of is stored all the same, and
// due instead of handed over.
func TestNewsThatCannotBeTold(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	if _, err := s.Join(t.Context(), "a", "test"); err != nil {
		t.Fatal(err)
	}
	ears := map[string]string{"a": "ear a", "b": "ear b"}
	s.pg.ears.Store(&ears)
	c := &fullQueue{writeConn: s.w.conn}
	s.w.conn = c
	ids := &hub.IDs{Now: s.Now}
	e := &hub.Event{ID: hub.EventID(ids.New()), Type: "x", Time: s.Now(), Data: json.RawMessage(`{}`), Origin: hub.Origin{Kind: hub.OriginHub}}
	d := hub.RoutedDelivery{Handed: true, Mark: 7}
	d.ID, d.WebhookID, d.EventID, d.EventType = hub.DeliveryIDFor(e.ID, id1), id1, e.ID, e.Type
	d.Status, d.LeasedTo, d.Epoch, d.LeaseSeq = hub.DeliveryActive, "b", 1, 7
	r := hub.Routing{Event: e, Deliveries: []hub.RoutedDelivery{d}}
	if err := s.Publish(t.Context(), nil, r); err != nil {
		t.Fatal(err)
	}
	if stored, err := s.Delivery(t.Context(), d.ID); err != nil || r.Deliveries[0].Handed ||
		stored.Status != hub.DeliveryPending || stored.DueAt.IsZero() || stored.LeasedTo != "" {
		t.Errorf("the delivery is %+v, %v", stored, err)
	}
	if seq, err := s.LastEvent(t.Context()); err != nil || seq != e.Seq || e.Seq != 1 || c.refused != 1 {
		t.Errorf("the last event is %d, %v, want %d; refused %d times", seq, err, e.Seq, c.refused)
	}
}

// TestWhatDoesNotFit: a value that an index cannot take is refused with the same code
// as news for a full queue; it is not taken for a database that is away.
func TestWhatDoesNotFit(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	ids := &hub.IDs{Now: s.Now}
	key := make([]byte, 10_000)
	_, _ = rand.Read(key)
	e := &hub.Event{
		ID: hub.EventID(ids.New()), Type: "x", Time: s.Now(), Data: json.RawMessage(`{}`), Origin: hub.Origin{Kind: hub.OriginHub},
		OrderKey: hex.EncodeToString(key),
	}
	err := s.Publish(t.Context(), nil, hub.Routing{Event: e})
	if !isCode(err, codeLimit) || hub.CodeOf(err) != hub.Internal {
		t.Errorf("%v, code %s", err, hub.CodeOf(err))
	}
}

// TestMarksInOrder: marks are held back, and yet are there for what looks at them in
// the same transaction, and void with the lane.
func TestMarksInOrder(t *testing.T) {
	s := openTest(t, EmptyPostgres(t))
	if _, err := s.Acquire(t.Context(), "n", []hub.WebhookID{id1}); err != nil {
		t.Fatal(err)
	}
	mark := func(t *testing.T, tx *tx, want int64) {
		t.Helper()
		if got, err := tx.mark(id1, "n"); err != nil || got != want {
			t.Errorf("the mark is %d, %v; want %d", got, err, want)
		}
	}
	raise := func(t *testing.T, tx *tx, to int64) {
		t.Helper()
		if err := tx.setMark(id1, "n", to); err != nil {
			t.Fatal(err)
		}
	}
	err := s.write(t.Context(), func(tx *tx) error {
		raise(t, tx, 9)
		raise(t, tx, 5)
		mark(t, tx, 9)
		raise(t, tx, 7)
		mark(t, tx, 9)
		raise(t, tx, 12)
		for _, statement := range []string{
			`DELETE FROM nchat_webhook_lanes WHERE webhook_id = $1 AND node = $2`, `INSERT INTO nchat_webhook_lanes (webhook_id, node) VALUES ($1, $2)`,
		} {
			if err := tx.later(statement, id1, "n"); err != nil {
				return err
			}
		}
		mark(t, tx, 0)
		raise(t, tx, 3)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), func(tx *tx) error { mark(t, tx, 3); return nil }); err != nil {
		t.Fatal(err)
	}
}
