package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/app"
)

// databaseChecks are the doctor's checks of an existing database.
func databaseChecks(config app.Config) []Check {
	if config.Database.Postgres {
		p := &postgresLook{config: config}
		return []Check{
			{"database", p.checkServer},
			{"database clock", p.checkClock},
			{"database commit", p.checkCommit},
			{"connections", p.checkConnections},
			{"hubs", p.checkHubs},
			{"sealed secrets", p.checkKeys},
		}
	}
	l := &embeddedLook{config: config}
	return []Check{{"database", l.checkFile}, {"sealed secrets", l.checkKeys}}
}

// embeddedLook looks at the file once, for both checks, which run one after the other.
type embeddedLook struct {
	config app.Config
	read   bool  // the file is in order
	keys   error // what is wrong with the keys
}

func (l *embeddedLook) checkFile(ctx context.Context) (detail string, err error) {
	err = app.WithDatabase(ctx, l.config, func(ctx context.Context, db *app.Database) error {
		version, err := db.Check(ctx)
		if err == nil {
			l.read, l.keys = true, db.CheckKeys(ctx)
		}
		detail = "readable and undamaged, SQLite " + version
		return err
	})
	return detail, err
}

func (l *embeddedLook) checkKeys(context.Context) (string, error) {
	if !l.read {
		return "", errNotLooked
	}
	if _, err := l.config.CheckKeys(); err != nil {
		return "", warning("not known: see the check of the keys")
	}
	if l.keys != nil {
		return "", errors.New("the keys of this machine do not open what is sealed in the database, so no hub starts here: " +
			"restore the keys file that belongs to it from a backup, or set HUB_SECRET_KEYS")
	}
	return keysFit, nil
}

// keysFit is said of keys that open what they should.
const keysFit = "the keys of this machine open them"

const (
	// lookTime bounds the look at a database over the network.
	lookTime = 10 * time.Second
	// clockApart is more than two machines with NTP differ by.
	clockApart = 2 * time.Second
	// slowCommit is what a commit over a local network, to a disk that deserves
	// the name, never takes.
	slowCommit = 50 * time.Millisecond
)

// postgresLook looks at the database once, for several checks, which run one
// after the other.
type postgresLook struct {
	config app.Config
	looked bool
	report app.DatabaseReport
	keys   error // what is wrong with the keys
	err    error // why nothing is known
}

// errNotLooked is the outcome of a check that the database's state left without
// anything to look at.
const errNotLooked = warning("not known: see the check of the database")

func (p *postgresLook) look(ctx context.Context) error {
	if p.looked {
		return p.err
	}
	p.looked = true
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	p.err = app.WithDatabase(ctx, p.config, func(ctx context.Context, db *app.Database) (err error) {
		if p.report, err = db.Diagnose(ctx); err == nil && !p.report.Empty {
			p.keys = db.CheckKeys(ctx)
		}
		return err
	})
	return p.err
}

func (p *postgresLook) checkServer(ctx context.Context) (string, error) {
	if err := p.look(ctx); err != nil {
		return "", err
	}
	answers := "PostgreSQL " + p.report.Version + " answers"
	if p.report.Empty {
		return answers + "; the first start makes the tables in schema " + p.config.Database.Schema, nil
	}
	return answers + ", with the tables of this version in schema " + p.config.Database.Schema, nil
}

func (p *postgresLook) checkClock(ctx context.Context) (string, error) {
	if p.look(ctx) != nil {
		return "", errNotLooked
	}
	ahead := p.report.ClockAhead.Round(time.Millisecond)
	if ahead.Abs() > clockApart {
		return "", warnf("the database's clock is ahead of this machine's by %s: hubs go by the database's, which receivers "+
			"compare with their own; switch time synchronisation on, on both", ahead)
	}
	return fmt.Sprintf("ahead of this machine's by %s", ahead), nil
}

func (p *postgresLook) checkCommit(ctx context.Context) (string, error) {
	if p.look(ctx) != nil {
		return "", errNotLooked
	}
	took := p.report.Commit.Round(10 * time.Microsecond)
	switch {
	case p.report.Unsafe != nil:
		return "", warnf("the server has %s: what the hub has acknowledged may be lost when the server crashes",
			strings.Join(p.report.Unsafe, " and "))
	case took > slowCommit:
		return "", warnf("a commit takes %s: everything that the hub acknowledges waits for one; look at the network in between and "+
			"at the disk of the server's log", took)
	}
	return fmt.Sprintf("durable after %s", took), nil
}

func (p *postgresLook) checkConnections(ctx context.Context) (string, error) {
	if p.look(ctx) != nil {
		return "", errNotLooked
	}
	left, needed := p.report.ConnectionsLeft, p.report.ConnectionsOfAHub
	if left < needed {
		return "", warnf("%d left on the server, and a hub on this machine may make %d: raise max_connections there",
			max(0, left), needed)
	}
	return fmt.Sprintf("%d left on the server; a hub on this machine makes at most %d", left, needed), nil
}

func (p *postgresLook) checkHubs(ctx context.Context) (string, error) {
	if p.look(ctx) != nil {
		return "", errNotLooked
	}
	if len(p.report.Members) == 0 {
		return "none is at work on this database", nil
	}
	names := make([]string, len(p.report.Members))
	for i, m := range p.report.Members {
		names[i] = m.Name
	}
	return fmt.Sprintf("%d at work: %s; the first one leads", len(names), strings.Join(names, ", ")), nil
}

func (p *postgresLook) checkKeys(ctx context.Context) (string, error) {
	switch {
	case p.look(ctx) != nil:
		return "", errNotLooked
	case p.report.Empty:
		return "none yet", nil
	case p.keys != nil:
		return "", errors.New("the keys of this machine do not open what is sealed in the database, so no hub starts here: " +
			"give it the keys of the other hubs with HUB_SECRET_KEYS")
	}
	return keysFit, nil
}
