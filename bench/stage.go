package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// stage is what plans are carried out on: one or several hubs, their database, a sink, and an outgoing webhook for each
// of its endpoints.
type stage struct {
	t       *trial
	sink    *sinkProcess
	db      *database // nil: embedded, in the data folder of the only hub
	configs []hubConfig
	hubs    []*hubProcess
	clients []*hubClient // one for each hub
	hooks   []outgoing   // by endpoint
}

// together is how long several hubs are left alone after their start: within a second they know of each other, and then
// share the lanes out.
const together = 3 * time.Second

// newStage starts the hubs of a plan, each in a folder of its own under the trial's. The caller must close the stage.
func (t *trial) newStage(ctx context.Context, s *sinkProcess, name string, p plan) (st *stage, err error) {
	st = &stage{t: t, sink: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.close(ctx))
		}
	}()
	env := slices.Concat(p.env, t.opt.hubEnv)
	if t.server != nil {
		if st.db, err = t.server.createDatabase(ctx); err != nil {
			return st, err
		}
		if err := st.db.settle(ctx); err != nil {
			return st, err
		}
		env = slices.Concat(st.db.env(), env)
	}
	token := "hub_" + rand.Text() + rand.Text()
	for n := range max(p.hubs, 1) {
		dir := filepath.Join(t.dir, name)
		if n > 0 {
			dir += strconv.Itoa(n + 1)
		}
		st.configs = append(st.configs, hubConfig{binary: t.binary, dir: dir, token: token, env: env, profile: t.opt.cpuProfile != ""})
	}
	return st, st.startHubs(ctx)
}

// startHubs starts the hubs, all of whose data there is already or none.
func (st *stage) startHubs(ctx context.Context) error {
	for _, config := range st.configs {
		h, err := startHub(ctx, config)
		if err != nil {
			return err
		}
		st.hubs = append(st.hubs, h)
		st.clients = append(st.clients, newHubClient(h, st.t.opt.senders))
	}
	if len(st.hubs) > 1 {
		return pause(ctx, together)
	}
	return nil
}

// stopHubs stops the hubs; their data stays.
func (st *stage) stopHubs() (err error) {
	for i, h := range st.hubs {
		st.clients[i].close()
		err = errors.Join(err, h.stop())
	}
	st.hubs, st.clients = nil, nil
	return err
}

// close stops the hubs and removes their database.
func (st *stage) close(ctx context.Context) error {
	// Whoever hangs is let go first, so that the hubs' last requests can end.
	err := errors.Join(st.sink.release(context.WithoutCancel(ctx)), st.stopHubs())
	if st.db != nil {
		err = errors.Join(err, st.db.drop(ctx))
	}
	return err
}

// subscribe makes the outgoing webhooks of a plan, several at a time.
func (st *stage) subscribe(ctx context.Context, p plan) error {
	st.hooks = make([]outgoing, p.endpoints)
	errs := make([]error, st.t.opt.senders)
	var all sync.WaitGroup
	for worker := range errs {
		all.Go(func() {
			for n := worker; n < p.endpoints && errs[worker] == nil; n += len(errs) {
				url := st.sink.endpointURL(n)
				if n >= p.hanging && n < p.faulty() {
					url = st.sink.frailURL(n)
				}
				st.hooks[n], errs[worker] = st.clients[0].createOutgoing(ctx, outgoingConfig{
					name: fmt.Sprintf("bench %d", n), url: url, pattern: p.pattern(n), concurrency: st.t.opt.concurrency,
				})
			}
		})
	}
	all.Wait()
	if len(st.hubs) > 1 {
		errs = append(errs, pause(ctx, together)) // until the others know, and have shared out the lanes
	}
	return errors.Join(errs...)
}

// sender returns the driver's function for the events of a plan. Neighbours go to different hubs.
func (st *stage) sender(p plan) sendFunc {
	return func(ctx context.Context, seq int) error {
		return st.clients[seq%len(st.clients)].sendEvent(ctx, p.eventType(seq), seq, p.fanout())
	}
}

// exited is closed when the first of the hubs has ended.
func (st *stage) exited() <-chan struct{} { return st.hubs[0].exited }

// dataSize is what the hub's data takes on disk, in bytes: database with its log, files.
func (st *stage) dataSize(ctx context.Context) (int64, error) {
	size, err := folderSize(st.hubs[0].dataDir())
	if err != nil || st.db == nil {
		return size, err
	}
	rows, err := st.db.size(ctx)
	return size + rows, err
}

// folderSize is the size of all files in a folder, in bytes.
func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
