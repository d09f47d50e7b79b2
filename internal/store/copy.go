package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/nself-chat/hub"
)

// CopyOptions say what is copied from where to where.
type CopyOptions struct {
	// From and To name the databases, one of them embedded and one on Postgres.
	// Only Path, Postgres, Schema, Synchronous, Now and Log are looked at.
	From, To Options
	// Name is what the source is called in messages. A copy that was interrupted
	// goes on only from the source of the same name. Empty: where it is.
	Name string
	// Command is what a person runs to make this copy; one that was interrupted
	// is finished by it. Empty: "hub migrate".
	Command string
	// Running allows hubs to work on the source: what is copied is its state as
	// of one moment. Without it the source must be at rest, and is kept so.
	Running bool
	// DryRun reads everything and writes nothing.
	DryRun bool
	// StartOver drops what an interrupted copy has brought so far.
	StartOver bool
	// Searchable is the text by which a message, with its files, is found.
	Searchable func(*hub.Message) string
	// Progress hears how far the copy is, from one goroutine at a time; may be
	// nil. It must be quick.
	Progress func(CopyProgress)
}

// CopyStep is a part of a copy.
type CopyStep string

// The steps, in their order.
const (
	CopyRows    CopyStep = "copy"
	CopySearch  CopyStep = "index"
	CopyCompare CopyStep = "compare"
	CopyVerify  CopyStep = "verify"
)

// CopyProgress says how far a copy is with a table.
type CopyProgress struct {
	Step  CopyStep
	Table string // "" in CopyVerify
	// Done rows of Total. Those that an earlier, interrupted run brought are
	// among them: Before.
	Done, Before, Total int64
}

// CopyReport is what a copy came to.
type CopyReport struct {
	From   string      `json:"from"`
	To     string      `json:"to"`
	DryRun bool        `json:"dryRun"`
	Tables []TableCopy `json:"tables"`
	// Indexed is the number of messages that the search finds.
	Indexed int64 `json:"indexed"`
	// Replaced is the number of values in which NUL, or bytes that are no text,
	// became U+FFFD: Postgres does not keep them.
	Replaced int64 `json:"replaced"`
	// Resumed says that an interrupted copy was continued, Already that there
	// was nothing left to do.
	Resumed bool `json:"resumed"`
	Already bool `json:"already"`
	// FinishedAt is when the copy was found to be complete.
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	// Verify is what Store.Verify found in the target.
	Verify *hub.VerifyReport `json:"verify,omitempty"`
}

// TableCopy is one table of a copy.
type TableCopy struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"` // of the source
	// Digest stands for the content: on both sides the same.
	Digest string `json:"digest,omitempty"`
}

// copySetting is where the target keeps the state of the copy. A hub does not
// start on a database that is half a copy (refuseHalfCopy).
const copySetting = "copy"

// copyState is written in the same commit as the rows it speaks of. So a copy
// may end at any moment, and goes on behind the last row that is there.
type copyState struct {
	From     string                   `json:"from"`
	Command  string                   `json:"command,omitempty"`
	Content  string                   `json:"content"` // stands for what the source was when it began
	Begun    time.Time                `json:"begun"`
	Finished time.Time                `json:"finished,omitzero"`
	Tables   map[string]*copyPosition `json:"tables"`
	Replaced int64                    `json:"replaced"`
}

type copyPosition struct {
	After []string `json:"after"` // key of the last row
	Rows  int64    `json:"rows"`
	Done  bool     `json:"done"`
}

func (s *copyState) at(table string) *copyPosition {
	p := s.Tables[table]
	if p == nil {
		p = &copyPosition{}
		s.Tables[table] = p
	}
	return p
}

func (s *copyState) text() (string, error) { return encodeColumn(s) }

// sink is the one writer of the target for the time of a copy. Each method is
// one commit.
type sink interface {
	// load stores rows, with the copy's state.
	load(ctx context.Context, l *layout, rows [][]any, state string) error
	// index stores what messages are found by, with the copy's state.
	index(ctx context.Context, entries []searchEntry, state string) error
	// save stores the copy's state; everything before is durable then.
	save(ctx context.Context, state string) error
	// clear removes all rows of all tables, and stores the state.
	clear(ctx context.Context, tables []layout, state string) error
	// loaded is told when all rows are there.
	loaded(ctx context.Context, tables []layout) error
}

type searchEntry struct {
	id    hub.MessageID
	words []string
}

const (
	// batchRows and batchBytes bound what is stored in one commit, and so what
	// is in memory.
	batchRows  = 5000
	batchBytes = 8 << 20
	// indexBatch is the number of messages indexed in one commit.
	indexBatch = 500
)

// copier is a copy under way.
type copier struct {
	o        CopyOptions
	from, to *Store
	source   querier // the source as of one moment
	tables   []layout
	totals   map[string]int64
	sink     sink
	state    copyState
	report   *CopyReport
	// The bounds of a commit; tests lower them.
	batchRows, batchBytes, indexBatch int
	wrap                              func(sink) sink // may be nil
}

// Copy copies a whole database into an empty one of the other sort, and proves
// that both hold the same. It may be ended at any moment, also by a power cut:
// called again it goes on where it was. The report is useful after an error,
// too.
//
// Errors of package hub: Conflict when hubs are at work, when the target has
// data of its own or of another copy, or when the source is not what it was.
func Copy(ctx context.Context, o CopyOptions) (*CopyReport, error) {
	c := newCopier(o)
	return c.report, c.run(ctx)
}

// migrateCommand is the command that --start-over belongs to.
const migrateCommand = "hub migrate"

// startOver says how to begin anew.
func (c *copier) startOver() string {
	if c.o.Command == migrateCommand {
		return "start over (hub migrate --start-over)"
	}
	return "name another, empty database"
}

func newCopier(o CopyOptions) *copier {
	if o.Name == "" {
		o.Name = describe(o.From)
	}
	if o.Command == "" {
		o.Command = migrateCommand
	}
	if o.Progress == nil {
		o.Progress = func(CopyProgress) {}
	}
	return &copier{
		o: o, report: &CopyReport{From: o.Name, To: describe(o.To), DryRun: o.DryRun, Tables: []TableCopy{}},
		batchRows: batchRows, batchBytes: batchBytes, indexBatch: indexBatch,
	}
}

// describe says where a database is, without credentials.
func describe(o Options) string {
	if o.Postgres == "" {
		path, err := filepath.Abs(o.Path)
		if err != nil {
			path = o.Path
		}
		return "sqlite://" + path
	}
	config, err := pgxpool.ParseConfig(o.Postgres)
	if err != nil {
		return "postgres://"
	}
	c, schema := config.ConnConfig, o.Schema
	if schema == "" {
		schema = defaultSchema
	}
	return fmt.Sprintf("postgres://%s:%d/%s, schema %s", c.Host, c.Port, c.Database, schema)
}

func (c *copier) run(ctx context.Context) (err error) {
	if (c.o.From.Postgres == "") == (c.o.To.Postgres == "") {
		return hub.Errorf(hub.Invalid, "One of the databases has to be an embedded one (sqlite://) and the other on Postgres (postgres://).")
	}
	leave, err := c.openSource(ctx)
	defer func() { err = errors.Join(err, leave()) }()
	if err != nil {
		return err
	}
	if c.o.DryRun {
		return c.try(ctx)
	}
	finish, err := c.openTarget(ctx)
	defer func() { err = errors.Join(err, finish()) }()
	if err != nil {
		return err
	}
	return c.from.readers.snapshot(ctx, func(q querier) error {
		if err := patient(ctx, c.from, q); err != nil {
			return err
		}
		c.source = q
		if c.wrap != nil {
			c.sink = c.wrap(c.sink)
		}
		return c.copy(ctx)
	})
}

// patient keeps Postgres from ending a snapshot that is read slowly.
func patient(ctx context.Context, s *Store, q querier) error {
	if !s.onPostgres() {
		return nil
	}
	return each(ctx, q, func(scanner) error { return nil },
		`SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)`)
}

// openSource opens the source and makes sure that it stays as it is.
func (c *copier) openSource(ctx context.Context) (release func() error, err error) {
	var held closers
	o := c.o.From
	o.Shared, o.Log = true, slog.New(slog.DiscardHandler)
	if o.Postgres == "" {
		if _, err := os.Stat(o.Path); err != nil {
			return held.close, hub.Errorf(hub.NotFound, "There is no hub's database at %s.", o.Path)
		}
		if !c.o.Running {
			lock, err := lockDatabase(o.Path)
			if err != nil {
				return held.close, fmt.Errorf("the source must be at rest: %w", err)
			}
			held.add(lock.Close)
		}
	}
	if c.from, err = Open(ctx, o); err != nil {
		return held.close, err
	}
	held.add(c.from.Close)
	if err := c.from.checkVersion(ctx); err != nil {
		return held.close, fmt.Errorf("%s: %w", c.report.From, err)
	}
	if c.from.onPostgres() && !c.o.Running {
		conn, err := c.from.seize(ctx)
		if err != nil {
			return held.close, err
		}
		held.add(conn.close)
	}
	return held.close, nil
}

// openTarget opens the target, makes its tables, and keeps every other writer
// from it.
func (c *copier) openTarget(ctx context.Context) (release func() error, err error) {
	var held closers
	o := c.o.To
	o.copying, o.Log = true, slog.New(slog.DiscardHandler)
	if c.to, err = Open(ctx, o); err != nil {
		return held.close, err
	}
	held.add(c.to.Close)
	if err := c.to.checkVersion(ctx); err != nil {
		return held.close, fmt.Errorf("%s: %w", c.report.To, err)
	}
	if !c.to.onPostgres() {
		c.sink = &sqliteSink{c.to}
		return held.close, nil
	}
	conn, err := c.to.seize(ctx)
	if err != nil {
		return held.close, err
	}
	held.add(conn.close)
	c.sink, err = newPostgresSink(ctx, c.to, conn)
	return held.close, err
}

// closers end what was begun, last first.
type closers []func() error

func (c *closers) add(end func() error) { *c = append(*c, end) }

func (c *closers) close() error {
	var errs []error
	for _, end := range slices.Backward(*c) {
		errs = append(errs, end())
	}
	*c = nil
	return errors.Join(errs...)
}

// copy does the work. c.source is as of one moment.
func (c *copier) copy(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	if err := c.begin(ctx); err != nil || c.report.Already {
		return err
	}
	for i := range c.tables {
		if err := c.load(ctx, &c.tables[i]); err != nil {
			return err
		}
	}
	if err := c.sink.loaded(ctx, c.tables); err != nil {
		return err
	}
	if err := c.index(ctx); err != nil {
		return err
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	c.progress(CopyVerify, "", 0, 0, 1)
	verified, err := c.to.Verify(ctx)
	if err != nil {
		return err
	}
	c.report.Verify = verified
	c.state.Finished = c.to.Now()
	text, err := c.state.text()
	if err != nil {
		return err
	}
	c.report.FinishedAt = c.state.Finished
	return c.sink.save(ctx, text)
}

// look learns what there is to copy.
func (c *copier) look(ctx context.Context) (err error) {
	if c.tables, err = layouts(); err != nil {
		return err
	}
	c.totals = make(map[string]int64)
	for i := range c.tables {
		l := &c.tables[i]
		if c.totals[l.name], err = l.count(ctx, c.source); err != nil {
			return err
		}
		c.report.Tables = append(c.report.Tables, TableCopy{Table: l.name, Rows: c.totals[l.name]})
	}
	return nil
}

// begin finds the state of an interrupted copy, or makes a new one.
func (c *copier) begin(ctx context.Context) error {
	found, err := c.found(ctx)
	if err != nil || c.report.Already {
		return err
	}
	content, err := c.content(ctx)
	if err != nil {
		return err
	}
	switch {
	case found == nil:
		if err := c.targetIsEmpty(ctx); err != nil {
			return err
		}
	case c.o.StartOver:
	case found.Content != content:
		return hub.Errorf(hub.Conflict, "A hub has worked on %s since the copy began: %s.", c.report.From, c.startOver())
	default:
		c.state, c.report.Resumed = *found, true
		return nil
	}
	c.state = copyState{From: c.report.From, Command: c.o.Command, Content: content, Begun: c.to.Now(), Tables: make(map[string]*copyPosition)}
	text, err := c.state.text()
	if err != nil {
		return err
	}
	if found != nil {
		return c.sink.clear(ctx, c.tables, text)
	}
	return c.sink.save(ctx, text)
}

// found returns the state that an earlier copy has left in the target, nil when
// there is none. It refuses that of another copy.
func (c *copier) found(ctx context.Context) (*copyState, error) {
	found, err := readCopyState(ctx, c.to.readers)
	if err != nil || found == nil {
		return nil, err
	}
	finished := !found.Finished.IsZero()
	switch {
	case found.From == c.report.From:
	case finished:
		return nil, hub.Errorf(hub.Conflict, "%s is a finished copy of %s.", c.report.To, found.From)
	case !c.o.StartOver:
		return nil, hub.Errorf(hub.Conflict, "%s is half a copy of %s. Finish that one, or %s.", c.report.To, found.From, c.startOver())
	}
	if finished {
		content, err := c.content(ctx)
		if err != nil {
			return nil, err
		}
		if content != found.Content {
			return nil, hub.Errorf(hub.Conflict, "A hub has worked on %s since it was copied to %s at %s: what came since is not in the copy. "+
				"Go on with the copy without it, or copy again to another, empty database.",
				c.report.From, c.report.To, found.Finished.UTC().Format(time.RFC3339))
		}
		c.report.Already, c.report.FinishedAt, c.report.Replaced = true, found.Finished, found.Replaced
	}
	return found, nil
}

// content stands for the source as far as a look tells: a hub that was at work
// on it since has most likely changed that. The comparison at the end is what
// proves it.
func (c *copier) content(ctx context.Context) (string, error) {
	sum := sha256.New()
	for _, table := range slices.Sorted(maps.Keys(c.totals)) {
		fmt.Fprintln(sum, table, c.totals[table])
	}
	seq, err := list(ctx, c.source, func(row scanner) (n int64, err error) {
		err = row.Scan(&n)
		return n, err
	}, lastEventQuery)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(sum, seq)
	for i := range c.tables {
		if l := &c.tables[i]; l.name == "nchat_webhook_lanes" || l.name == "nchat_settings" {
			d, err := l.digest(ctx, c.source, nil, nil)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(sum, d)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func readCopyState(ctx context.Context, q querier) (*copyState, error) {
	text, err := setting(ctx, q, copySetting)
	if err != nil || text == "" {
		return nil, err
	}
	state := &copyState{}
	if err := json.Unmarshal([]byte(text), state); err != nil {
		return nil, fmt.Errorf("store: the state of a copy cannot be read: %w", err)
	}
	if state.Tables == nil {
		state.Tables = make(map[string]*copyPosition)
	}
	return state, nil
}

// refuseHalfCopy keeps hubs and commands from a database to which a copy has not
// brought everything.
func (s *Store) refuseHalfCopy(ctx context.Context) error {
	made, err := s.hasTables(ctx)
	if err != nil || !made {
		return err
	}
	state, err := readCopyState(ctx, s.readers)
	if err != nil || state == nil || !state.Finished.IsZero() {
		return err
	}
	command := state.Command
	if command == "" {
		command = migrateCommand
	}
	return hub.Errorf(hub.Conflict, "This database is half a copy of %s. Run `%s` again to finish it.", state.From, command)
}

func (c *copier) targetIsEmpty(ctx context.Context) error {
	for i := range copiedTables {
		empty, err := copiedTables[i].isEmpty(ctx, c.to.readers)
		if err != nil {
			return err
		}
		if !empty {
			return hub.Errorf(hub.Conflict, "%s has data of its own (in %s). A copy needs an empty database.", c.report.To, copiedTables[i].name)
		}
	}
	return nil
}

// progress tells how far a step is with a table. Nothing is said of those
// without a row.
func (c *copier) progress(step CopyStep, table string, done, before, total int64) {
	if total > 0 {
		c.o.Progress(CopyProgress{Step: step, Table: table, Done: done, Before: before, Total: total})
	}
}

// load copies the rows of a table that are not there yet.
func (c *copier) load(ctx context.Context, l *layout) error {
	at := c.state.at(l.name)
	if at.Done {
		return nil
	}
	before := at.Rows
	var rows [][]any
	var size int
	store := func(done bool) error {
		if len(rows) > 0 {
			at.After = l.keyOf(rows[len(rows)-1])
			at.Rows += int64(len(rows))
		}
		at.Done = done
		text, err := c.state.text()
		if err != nil {
			return err
		}
		if err := c.sink.load(ctx, l, rows, text); err != nil {
			return fmt.Errorf("store: table %s: %w", l.name, err)
		}
		rows, size = nil, 0
		c.progress(CopyRows, l.name, at.Rows, before, c.totals[l.name])
		return ctx.Err()
	}
	c.progress(CopyRows, l.name, before, before, c.totals[l.name])
	err := l.rows(ctx, c.source, at.After, true, &c.state.Replaced, func(row []any) error {
		rows = append(rows, row)
		if size += sizeOf(row); len(rows) < c.batchRows && size < c.batchBytes {
			return nil
		}
		return store(false)
	})
	if err != nil {
		return err
	}
	return store(true)
}

// index makes the copied messages found by what they say.
func (c *copier) index(ctx context.Context) error {
	at := c.state.at(searchTable)
	var total int64
	err := each(ctx, c.source, func(row scanner) error { return row.Scan(&total) }, `SELECT count(*) FROM `+indexedMessages)
	if err != nil {
		return err
	}
	before := at.Rows
	c.progress(CopySearch, searchTable, before, before, total)
	for !at.Done {
		after := hub.MessageID("")
		if at.After != nil {
			after = hub.MessageID(at.After[0])
		}
		page, err := list(ctx, c.to.readers, scanMessage,
			`SELECT `+messageColumns+` FROM `+messageTables+` WHERE m.id > $1 AND NOT m.is_deleted ORDER BY m.id LIMIT $2`, from(after), c.indexBatch)
		if err != nil {
			return err
		}
		if err := c.to.complete(ctx, page); err != nil {
			return err
		}
		if err := c.indexPage(ctx, page, at); err != nil {
			return err
		}
		c.progress(CopySearch, searchTable, at.Rows, before, total)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	c.report.Indexed = at.Rows
	return nil
}

// indexedMessages are those that a search can find.
const indexedMessages = `nchat_messages m JOIN nchat_channels c ON c.id = m.channel_id WHERE NOT m.is_deleted`

func (c *copier) indexPage(ctx context.Context, page []hub.Message, at *copyPosition) error {
	var entries []searchEntry
	for i := range page {
		if found := foundBy(c.o.Searchable(&page[i])); len(found) > 0 {
			entries = append(entries, searchEntry{page[i].ID, found})
		}
	}
	if len(page) > 0 {
		at.After = []string{string(page[len(page)-1].ID)}
	}
	at.Rows += int64(len(page))
	at.Done = len(page) < c.indexBatch
	text, err := c.state.text()
	if err != nil {
		return err
	}
	return c.sink.index(ctx, entries, text)
}

// compare reads both sides from end to end and refuses the copy when they
// differ.
func (c *copier) compare(ctx context.Context) error {
	c.report.Replaced = c.state.Replaced
	var differ []string
	err := c.to.readers.snapshot(ctx, func(target querier) error {
		if err := patient(ctx, c.to, target); err != nil {
			return err
		}
		for i := range c.tables {
			theirs, ours, err := c.digests(ctx, &c.tables[i], target)
			if err != nil {
				return err
			}
			c.report.Tables[i].Digest = theirs.String()
			if theirs.rows != ours.rows || theirs.sum != ours.sum {
				differ = append(differ, fmt.Sprintf("%s (%d and %d rows)", c.tables[i].name, theirs.rows, ours.rows))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if differ != nil {
		return hub.Errorf(hub.Conflict, "Source and copy differ in %s: the source was changed since the copy began. To go on, %s.", differ, c.startOver())
	}
	return nil
}

// digests reads a table on both sides at once.
func (c *copier) digests(ctx context.Context, l *layout, target querier) (theirs, ours *digest, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var read sync.WaitGroup
	var failed error
	read.Go(func() {
		if ours, failed = l.digest(ctx, target, nil, nil); failed != nil {
			cancel()
		}
	})
	theirs, err = l.digest(ctx, c.source, nil, func(rows int64) { c.progress(CopyCompare, l.name, rows, 0, c.totals[l.name]) })
	if err != nil {
		cancel()
	}
	read.Wait()
	return theirs, ours, errors.Join(failed, err)
}

// try reads everything as a copy would, and looks whether the target would
// take it.
func (c *copier) try(ctx context.Context) error {
	return c.from.readers.snapshot(ctx, func(q querier) error {
		if err := patient(ctx, c.from, q); err != nil {
			return err
		}
		c.source = q
		if err := c.look(ctx); err != nil {
			return err
		}
		if err := c.peek(ctx); err != nil {
			return err
		}
		for i := range c.tables {
			l := &c.tables[i]
			d, err := l.digest(ctx, c.source, &c.report.Replaced, func(rows int64) {
				c.progress(CopyCompare, l.name, rows, 0, c.totals[l.name])
			})
			if err != nil {
				return err
			}
			c.report.Tables[i].Digest = d.String()
		}
		return nil
	})
}

// peek refuses what begin would refuse, and changes nothing.
func (c *copier) peek(ctx context.Context) (err error) {
	o := c.o.To
	o.Shared, o.copying, o.Log = true, true, slog.New(slog.DiscardHandler)
	if o.Postgres == "" {
		if info, err := os.Stat(o.Path); err != nil || info.Size() == 0 {
			return nil //nolint:nilerr // it would be made
		}
	}
	if c.to, err = Open(ctx, o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.to.Close()) }()
	made, err := c.to.hasTables(ctx)
	if err != nil || !made {
		return err
	}
	if err := c.to.noMembers(ctx); err != nil {
		return err
	}
	found, err := c.found(ctx)
	if err == nil && found == nil {
		err = c.targetIsEmpty(ctx)
	}
	return err
}
