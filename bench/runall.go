package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// runAll runs every selected scenario as often as asked. A run that fails is in the report; an error means that there is
// nothing to report. progress gets a line per run.
func runAll(ctx context.Context, opt options, progress io.Writer) (rep *report, err error) {
	var db *server
	if opt.postgres {
		if db, err = findServer(ctx); err != nil {
			return nil, err
		}
	}
	work, err := os.MkdirTemp("", "hub-bench-")
	if err != nil {
		return nil, err
	}
	if opt.keep {
		fmt.Fprintln(progress, "data folders and logs stay in", work)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	}
	binary := opt.binary
	if binary == "" {
		fmt.Fprintln(progress, "building the hub")
		binary, err = buildHub(ctx, work)
	} else {
		binary, err = filepath.Abs(binary) // the hub is started in a folder of its own
	}
	if err != nil {
		return nil, err
	}
	if opt.cpuProfile != "" {
		if opt.cpuProfile, err = filepath.Abs(opt.cpuProfile); err != nil {
			return nil, err
		}
	}
	rep = newReport(opt, time.Now())
	if db != nil {
		rep.Database = "Postgres " + db.version
	}
	for _, s := range opt.scenarios {
		var runs []runReport
		for i := range opt.runs {
			fmt.Fprintf(progress, "%s, run %d of %d: %s\n", s.name, i+1, opt.runs, s.about)
			t := &trial{
				opt: opt, server: db, binary: binary, dir: filepath.Join(work, fmt.Sprintf("%s-%d", s.name, i+1)), figures: figures{},
			}
			runs = append(runs, t.run(ctx, s))
			if !opt.keep {
				if err := os.RemoveAll(t.dir); err != nil {
					return nil, err
				}
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		rep.add(s.name, s.about, s.targetsOn(opt.postgres), runs)
	}
	return rep, nil
}

// run makes one run and collects what it found, whether or not it came to its end.
func (t *trial) run(ctx context.Context, s scenario) runReport {
	err := s.run(ctx, t)
	r := runReport{Figures: t.figures, Faults: t.faults, Notes: t.notes, Series: t.series}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}
