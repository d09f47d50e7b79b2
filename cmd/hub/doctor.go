package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/nself-chat/hub/internal/app"
)

// Check is one thing that `hub doctor` looks at. Run says what it found; an error says what is wrong and what to do
// about it, and is a failure unless it is a [warning]. It must change nothing, and return soon after ctx is done.
type Check struct {
	Name string
	Run  func(ctx context.Context) (detail string, err error)
}

// warning is an error that `hub doctor` reports without failing.
type warning string

// Error implements error.
func (w warning) Error() string { return string(w) }

func warnf(format string, args ...any) error { return warning(fmt.Sprintf(format, args...)) }

// newDoctorCommand makes `hub doctor`: checks of everything on this machine that a hub depends on. database returns
// the checks that open the database of a configuration; they run only when its file exists.
func newDoctorCommand(database func(app.Config) []Check) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the configuration, the data folder, the database, the keys, the port and the clock",
		Long: "Checks what a hub on this machine depends on, says for each thing whether it is ok, worth a warning or\n" +
			"failing, and what to do. It changes nothing and can be run beside a running hub. The exit code is 1 when\n" +
			"something fails.",
		Example: "  hub doctor\n  hub doctor --json | jq '.checks[] | select(.status != \"ok\")'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			d := newDoctor(database)
			checks := d.checks(func() (app.Config, error) { return app.LoadConfig(cmd.Flags(), os.LookupEnv) })
			return runChecks(cmd.Context(), cmd.OutOrStdout(), checks, asJSON)
		},
	}
	app.RegisterFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// doctor holds what the checks need of the machine, so that tests can put a machine of their own in its place.
type doctor struct {
	database func(app.Config) []Check
	now      func() time.Time
	environ  func() []string
	built    time.Time // when the program was made; zero when not known
	free     func(folder string) (bytes uint64, err error)
	write    func(folder string) error // tries to
	listen   func(network, addr string) (net.Listener, error)
	client   *http.Client
}

func newDoctor(database func(app.Config) []Check) *doctor {
	return &doctor{
		database: database,
		now:      time.Now,
		environ:  os.Environ,
		built:    buildTime(),
		free:     freeSpace,
		write:    tryToWrite,
		listen:   net.Listen,
		client: &http.Client{
			Timeout:       3 * time.Second,
			Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy: the hub is on this machine
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// buildTime is the time of the commit that the program was built from.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, s.Value) // zero when it is malformed
			return t
		}
	}
	return time.Time{}
}

// freeSpace returns the bytes that an ordinary user may still write to the disk that holds folder.
func freeSpace(folder string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // the types differ between systems
}

// Words for the outcome of a check.
const (
	statusOK   = "ok"
	statusWarn = "warn"
	statusFail = "fail"
)

// checkResult is the outcome of one check.
type checkResult struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
}

// doctorReport is the JSON of `hub doctor --json`.
type doctorReport struct {
	OK     bool          `json:"ok"`
	Checks []checkResult `json:"checks"`
}

func runCheck(ctx context.Context, check Check) checkResult {
	detail, err := check.Run(ctx)
	var warned warning
	switch {
	case err == nil:
		return checkResult{check.Name, statusOK, detail}
	case errors.As(err, &warned):
		return checkResult{check.Name, statusWarn, err.Error()}
	default:
		return checkResult{check.Name, statusFail, err.Error()}
	}
}

// runChecks prints each result when it is there, since some checks take their time on a large database.
func runChecks(ctx context.Context, out io.Writer, checks []Check, asJSON bool) error {
	report := doctorReport{OK: true, Checks: []checkResult{}}
	width := 0
	for _, check := range checks {
		width = max(width, len(check.Name))
	}
	failed := 0
	for _, check := range checks {
		result := runCheck(ctx, check)
		report.Checks = append(report.Checks, result)
		if result.Status == statusFail {
			failed++
		}
		if asJSON {
			continue
		}
		detail := strings.ReplaceAll(result.Detail, "\n", "\n"+strings.Repeat(" ", width+8))
		if _, err := fmt.Fprintf(out, "%-4s  %-*s  %s\n", result.Status, width, result.Name, detail); err != nil {
			return err
		}
	}
	report.OK = failed == 0
	if asJSON {
		if err := writeJSON(out, report); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("doctor: %d of %d checks failed", failed, len(checks))
	}
	return nil
}
