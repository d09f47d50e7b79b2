package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// backlog is what fillBacklog makes.
type backlog struct{ lanes, perLane int }

// fillBacklog makes deliveries that are due, the lanes of webhooks that n serves,
// and the events they share; it returns the webhooks. The rows come in the order
// of their events, so that those of a lane are far from each other.
func fillBacklog(t *testing.T, s *Store, b backlog) (webhooks []string) {
	t.Helper()
	for i := range b.lanes {
		webhooks = append(webhooks, fmt.Sprintf("019c1912-0000-7000-8000-%012x", i))
	}
	const series = `(SELECT n, $2::timestamptz - n * interval '1 second' AS at,
		('019c1912-' || lpad(to_hex(n), 4, '0') || '-7000-')::text AS prefix FROM generate_series(0, $1::integer - 1) n) e`
	event := `(e.prefix || '8000-000000000000')::uuid`
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO nchat_webhook_lanes (webhook_id, node) SELECT id, 'n' FROM unnest($1::uuid[]) id`, []any{webhooks}},
		{`INSERT INTO nchat_events (id, seq, type, data, origin, revision, created_at)
			SELECT ` + event + `, n + 1, 'x', '{}', '{}', 1, at FROM ` + series, []any{b.perLane, noon}},
		{`INSERT INTO nchat_webhook_deliveries (id, webhook_id, event_id, event, status, scheduled_for, created_at, updated_at)
			SELECT (e.prefix || '9000-' || lpad(to_hex(w.place), 12, '0'))::uuid, w.id, ` + event + `, 'x', 'pending', at, at, at
			FROM ` + series + ` CROSS JOIN unnest($3::uuid[]) WITH ORDINALITY AS w (id, place)`, []any{b.perLane, noon, webhooks}},
	} {
		if _, err := s.pg.pool.Exec(t.Context(), statement.text, statement.args...); err != nil {
			t.Fatalf("%s: %v", statement.text, err)
		}
	}
	return webhooks
}

// explaining has the database explain each statement that concerns deliveries,
// by running it, before it is run in earnest.
type explaining struct {
	writeConn
	t     *testing.T
	plans []statementPlan
}

// statementPlan is what became of one statement.
type statementPlan struct {
	text string
	Plan planNode
}

// planNode is a part of EXPLAIN's tree.
type planNode struct {
	NodeType string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"` // a loop
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Recheck  float64 `json:"Rows Removed by Index Recheck"`
	Hit      int     `json:"Shared Hit Blocks"`
	Read     int     `json:"Shared Read Blocks"`
	Plans    []planNode
}

func (c *explaining) query(text string, args ...any) (rows, error) {
	c.explain(text, args)
	return c.writeConn.query(text, args...)
}

func (c *explaining) later(text string, args ...any) error {
	c.explain(text, args)
	return c.writeConn.later(text, args...)
}

// explain leaves the transaction as it was. It runs on the writer's goroutine.
func (c *explaining) explain(text string, args []any) {
	if !touchesBulk(text) {
		return
	}
	err := func() error {
		if _, err := c.exec("SAVEPOINT explained"); err != nil {
			return err
		}
		found, err := c.writeConn.query("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+text, args...)
		if err != nil {
			return err
		}
		var tree []byte
		for found.Next() {
			err = found.Scan(&tree)
		}
		if err != nil {
			return err
		}
		if err := found.Close(); err != nil {
			return err
		}
		plans := []statementPlan{{}}
		if err := json.Unmarshal(tree, &plans); err != nil {
			return err
		}
		plans[0].text = text
		c.plans = append(c.plans, plans...)
		_, err = c.exec("ROLLBACK TO SAVEPOINT explained")
		return err
	}()
	if err != nil {
		c.t.Errorf("explain %s: %v", text, err)
	}
}

// looked returns how many rows of deliveries the scans below looked at, and the
// scans that read a whole table.
func (n planNode) looked() (rows float64, whole []string) {
	if strings.HasPrefix(n.Relation, "nchat_webhook_deliveries") && strings.HasSuffix(n.NodeType, "Scan") {
		rows = (n.Rows + n.Removed + n.Recheck) * n.Loops
	}
	if n.NodeType == "Seq Scan" && n.Loops > 0 {
		whole = append(whole, n.Relation)
	}
	for _, part := range n.Plans {
		r, w := part.looked()
		rows, whole = rows+r, append(whole, w...)
	}
	return rows, whole
}

// reads checks that a statement looked at no more than so many deliveries, and at
// no more blocks than their indexes take.
func (p statementPlan) reads(t *testing.T, rows, blocks int) {
	t.Helper()
	looked, whole := p.Plan.looked()
	if got := p.Plan.Hit + p.Plan.Read; int(looked) > rows || got > blocks || len(whole) > 0 {
		t.Errorf("looked at %v deliveries, %d blocks and all of %v; want no more than %d deliveries, %d blocks:\n%s",
			looked, got, whole, rows, blocks, p.text)
	}
}

// TestClaimTouchesWhatItClaims: a claim looks at the deliveries that it takes, one
// more for each lane (when the next one is due), and a few blocks of indexes; the
// record of their outcomes at no others. So it is however large the backlog is;
// here, unless the test is to be short, a million deliveries. And so it is whatever
// the planner knows: nothing, or that not one delivery was leased a moment ago, which
// makes a walk through all that are look cheap.
func TestClaimTouchesWhatItClaims(t *testing.T) {
	size := backlog{lanes: 10_000, perLane: 100}
	if testing.Short() {
		size.perLane = 10
	}
	s := openTest(t, Options{Postgres: postgrestest.URL(t)})
	now := noon.Add(time.Hour)
	s.now = func() time.Time { return now }
	c := &explaining{writeConn: stoppedClock{s.w.conn, s.now}, t: t}
	s.w.conn = c
	if err := s.EnsurePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	webhooks := fillBacklog(t, s, size)
	c.claimAndRecord(t, s, webhooks)
	if _, err := s.VoidLeases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pg.pool.Exec(t.Context(), "ANALYZE nchat_webhook_deliveries"); err != nil {
		t.Fatal(err)
	}
	c.claimAndRecord(t, s, webhooks)
}

// claimAndRecord claims deliveries of many lanes and records the outcomes of some,
// several times: the plans stay good when the statements are repeated.
func (c *explaining) claimAndRecord(t *testing.T, s *Store, webhooks []string) {
	t.Helper()
	// As many lanes as the engine asks for at once, from all over the backlog.
	const lanes, most, claimed = 64, 4, 64 * 4
	var held []hub.Job
	for round := range 8 {
		var quotas []hub.Quota
		for i := range lanes {
			id := webhooks[(i*151+round)%len(webhooks)]
			quotas = append(quotas, hub.Quota{WebhookID: hub.WebhookID(id), Max: most, Ahead: most})
		}
		c.plans = nil
		jobs, next, err := s.Claim(t.Context(), "n", quotas)
		if err != nil || len(jobs) != claimed || len(next) != lanes {
			t.Fatalf("claimed %d deliveries, %d lanes have more, %v; want %d, %d", len(jobs), len(next), err, claimed, lanes)
		}
		plans := c.plansOf("nchat_webhook_deliveries")
		if len(plans) != 3 {
			t.Fatalf("%d statements concern deliveries, want 3: find them, lease them, see which are next", len(plans))
		}
		plans[0].reads(t, claimed, 50*lanes)
		plans[1].reads(t, claimed, 20*claimed)
		plans[2].reads(t, lanes, 30*lanes)
		marks := c.plansOf("nchat_webhook_lanes l SET")
		if len(marks) != 1 {
			t.Fatalf("%d statements raise marks, want 1", len(marks))
		}
		marks[0].reads(t, 0, 10*lanes)
		held = append(held, jobs...)
	}
	var outcomes []*hub.Outcome
	for i := 0; i < len(held); i += 64 { // with many leased ones between
		d := held[i].Delivery
		outcomes = append(outcomes, &hub.Outcome{
			DeliveryID: d.ID, WebhookID: d.WebhookID, Node: "n", Epoch: d.Epoch, Status: hub.DeliverySuccess, Tries: 1,
			Attempt: hub.Attempt{DeliveryID: d.ID, Number: 1, StartedAt: s.now(), Result: "success"},
		})
	}
	for round := range 8 {
		c.plans = nil
		part := outcomes[round*4 : round*4+4]
		recorded, err := s.Record(t.Context(), part)
		plans := c.plansOf("nchat_webhook_deliveries")
		if err != nil || len(plans) != 1 {
			t.Fatalf("%v, %d statements concern deliveries, want 1", err, len(plans))
		}
		for i, r := range recorded {
			if r.Stale {
				t.Errorf("the outcome of %s is stale", part[i].DeliveryID)
			}
		}
		plans[0].reads(t, len(part), 25*len(part))
	}
}

// plansOf returns the plans of statements in which the words occur.
func (c *explaining) plansOf(words string) (plans []statementPlan) {
	for _, p := range c.plans {
		if strings.Contains(p.text, words) {
			plans = append(plans, p)
		}
	}
	return plans
}
