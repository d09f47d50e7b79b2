package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/nself-chat/hub"
)

// maxSignal is the most that a payload may hold, in bytes ("NOTIFY", manual of
// Postgres: less than 8000).
const maxSignal = 7900

const (
	// signalTime bounds the sending of a signal.
	signalTime = 2 * time.Second
	// A listener asks the server whether it is there when it has said nothing for
	// listenEvery, and gives it askTime for the answer: a server that vanished
	// without a word would never say anything again.
	listenEvery = 3 * time.Second
	askTime     = 2 * time.Second
)

// Signal tells the other processes. It does nothing on the embedded database.
func (s *Store) Signal(ctx context.Context, sig hub.Signal) error {
	if s.pg == nil {
		return nil
	}
	sig.From = s.pg.nodeID()
	text, err := json.Marshal(sig)
	if err == nil && len(text) > maxSignal {
		sig.Due, sig.All = nil, true
		text, err = json.Marshal(sig)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return s.pg.notify(ctx, s.pg.channel(), string(text))
}

// SignalTo tells one process, where nobody else listens. It does nothing when that
// one has no ear.
func (s *Store) SignalTo(ctx context.Context, node string, sig hub.Signal) error {
	if s.pg == nil || s.pg.earOf(node) == "" {
		return nil
	}
	sig.From = s.pg.nodeID()
	text, err := json.Marshal(sig)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return s.pg.notify(ctx, s.pg.earOf(node), private+string(text))
}

// news returns what the other processes are told, and where, of events up to seq:
// with the commit that stores them, as a signal afterwards would be a second commit,
// and keep the next waiting. A process of an earlier release hears where all do. One
// that joined since the last sign of life of this process hears nothing yet; it looks
// for itself every second.
func (p *postgres) news(seq int64) (ears []string, text string) {
	known := p.ears.Load()
	if known == nil || len(*known) < 2 {
		return nil, ""
	}
	own := p.nodeID()
	everywhere := false
	for node, ear := range *known {
		switch {
		case node == own:
		case ear == "":
			everywhere = true
		default:
			ears = append(ears, ear)
		}
	}
	if everywhere {
		ears = []string{p.channel()}
	}
	b, _ := json.Marshal(hub.Signal{From: own, Seq: seq}) // it has nothing to fail at
	text = string(b)
	if !everywhere {
		text = private + text
	}
	return ears, text
}

// private begins a signal where handovers are heard of, too.
const private = "signal "

func (p *postgres) notify(ctx context.Context, channel, text string) error {
	once := func() error {
		ctx, cancel := context.WithTimeout(ctx, signalTime)
		defer cancel()
		_, err := p.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, text)
		return err
	}
	err := once()
	if pgconn.Timeout(err) && ctx.Err() == nil {
		p.pool.Reset() // a server that vanished: the other connections lead nowhere, either
		err = once()
	}
	return pgRefusal(err)
}

func (p *postgres) channel() string { return "hub_" + p.schema }

// relisten is the pause before a lost connection is made anew.
const relisten = 500 * time.Millisecond

// errRenamed ends a connection that listens under an earlier name of this process.
var errRenamed = errors.New("store: joined anew")

// Listen calls ears for what other processes tell until ctx is done. A
// connection that is lost is made anew; since signals may have been missed
// then, there is one that says that anything may have happened.
func (s *Store) Listen(ctx context.Context, ears hub.Ears) error {
	if s.pg == nil {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		err := s.listen(ctx, ears)
		if ears.Handover != nil {
			_ = ears.Listening(ctx, "") // it has nothing to fail at
		}
		if err != nil && !errors.Is(err, errRenamed) && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(relisten):
			}
		}
	}
	return nil
}

func (s *Store) listen(ctx context.Context, ears hub.Ears) error {
	config := s.pg.pool.Config().ConnConfig.Copy()
	config.RuntimeParams["application_name"] += listensName
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if err := ask(ctx, conn, "LISTEN "+pgx.Identifier{s.pg.channel()}.Sanitize()); err != nil {
		return err
	}
	node, ear := s.pg.nodeID(), ""
	if own := s.pg.ear.Load(); own != nil && ears.Handover != nil {
		ear = *own
		if err := ask(ctx, conn, fmt.Sprintf(listenWithEar, strings.ReplaceAll(node, "'", "''"))); err != nil {
			return err
		}
		if err := ears.Listening(ctx, node); err != nil {
			return err
		}
	}
	ears.Signal(hub.Signal{All: true, Changed: true, Nodes: true, Seq: -1})
	for s.pg.nodeID() == node {
		n, err := await(ctx, conn)
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
		if n != nil {
			if err := s.tell(ears, n, ear); err != nil {
				return err
			}
		}
	}
	return errRenamed
}

// listensName ends the application's name of a connection that listens.
const listensName = " listens"

// listenWithEar listens without a word of where: who watches the server sees its
// statements.
const listenWithEar = `DO $do$ BEGIN EXECUTE format('LISTEN %%I', (SELECT ear FROM nchat_nodes WHERE id = '%s')); END $do$`

// tell passes a notification on. What any role of the database could say is not
// taken for a grant. A handover that cannot be read was of another
// version of the hub; what it was about is recalled when listening begins anew.
func (s *Store) tell(ears hub.Ears, n *pgconn.Notification, ear string) error {
	text, own := strings.CutPrefix(n.Payload, private)
	if n.Channel == ear && !own {
		r, err := readHandover(n.Payload)
		if err == nil {
			ears.Handover(r)
		}
		return err
	}
	var sig hub.Signal
	if json.Unmarshal([]byte(text), &sig) != nil || sig.From == s.pg.nodeID() {
		return nil
	}
	if n.Channel != ear {
		sig.Grants, sig.Revoked = nil, false
	}
	ears.Signal(sig)
	return nil
}

// await returns what the server tells, or nil when it has said nothing for a
// while and is there.
func await(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	wait, cancel := context.WithTimeout(ctx, listenEvery)
	defer cancel()
	n, err := conn.WaitForNotification(wait)
	if err != nil && ctx.Err() == nil && pgconn.Timeout(err) {
		return nil, ask(ctx, conn, "SELECT")
	}
	return n, err
}

// ask runs a statement that takes no time.
func ask(ctx context.Context, conn *pgx.Conn, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	_, err := conn.Exec(ctx, statement)
	return err
}
