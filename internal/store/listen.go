package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub"
)

// maxSignal is the most that a payload may hold, in bytes ("NOTIFY", manual of
// Postgres: less than 8000).
const maxSignal = 7900

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
	_, err = s.pg.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, s.pg.channel(), string(text))
	return pgRefusal(err)
}

func (p *postgres) channel() string { return "hub_" + p.schema }

// relisten is the pause before a lost connection is made anew.
const relisten = 500 * time.Millisecond

// Listen calls heard for every signal of another process until ctx is done. A
// connection that is lost is made anew; since signals may have been missed
// then, heard gets one that says that anything may have happened.
func (s *Store) Listen(ctx context.Context, heard func(hub.Signal)) error {
	if s.pg == nil {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		if err := s.listen(ctx, heard); err != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(relisten):
			}
		}
	}
	return nil
}

func (s *Store) listen(ctx context.Context, heard func(hub.Signal)) error {
	config := s.pg.pool.Config().ConnConfig.Copy()
	// A server that vanished without a word is noticed by the keep-alive probes.
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.pg.channel()}.Sanitize()); err != nil {
		return err
	}
	heard(hub.Signal{All: true, Changed: true, Nodes: true, Seq: -1})
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
		var sig hub.Signal
		if json.Unmarshal([]byte(n.Payload), &sig) == nil && sig.From != s.pg.nodeID() {
			heard(sig)
		}
	}
}
