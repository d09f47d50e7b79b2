package main

import (
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/app"
	"github.com/nself-chat/hub/internal/postgrestest"
)

// onPostgres is a healthy machine with the real checks of a database.
func onPostgres(t *testing.T, url string) *machine {
	m := newMachine(t)
	m.database = databaseChecks
	m.env["HUB_DATABASE_URL"], m.env["HUB_SECRET_KEYS"] = url, keyLine
	return m
}

// start makes the machine's hub work on its database.
func (m *machine) start(t *testing.T) {
	t.Helper()
	c, err := app.LoadConfig(nil, func(name string) (string, bool) { v, ok := m.env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestDoctorOnPostgres(t *testing.T) {
	m := onPostgres(t, postgrestest.URL(t))
	expect := func(want map[string]string) {
		t.Helper()
		results := m.check(t)
		for name, says := range want {
			if got := results[name]; got.Status != statusOK || !strings.Contains(got.Detail, says) {
				t.Errorf("%s: %s %q, want ok with %q", name, got.Status, got.Detail, says)
			}
		}
	}
	expect(map[string]string{
		"database": "the first start makes the tables in schema hub", "sealed secrets": "none yet", "hubs": "none is at work",
	})
	m.start(t)
	expect(map[string]string{
		"database": "PostgreSQL 1", "database clock": "ahead of this machine's by", "hubs": "1 at work: ",
		"connections": "left on the server", "sealed secrets": "open them", "keys": `"k1" seals`,
	})
	m.start(t)
	expect(map[string]string{"database": "with the tables of this version", "hubs": "2 at work: "})

	// A machine that was given other keys.
	m.env["HUB_SECRET_KEYS"] = "k2:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 32)))
	if got := m.check(t)["sealed secrets"]; got.Status != statusFail || !strings.Contains(got.Detail, "HUB_SECRET_KEYS") {
		t.Errorf("other keys: %s %s", got.Status, got.Detail)
	}
}

// A SQLite database with the keys of another hub.
func TestDoctorOnOtherKeys(t *testing.T) {
	m := newMachine(t)
	m.database = databaseChecks
	m.env["HUB_SECRET_KEYS"] = keyLine
	c, err := app.LoadConfig(nil, func(name string) (string, bool) { v, ok := m.env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	other := "k2:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 32)))
	for _, want := range []struct{ keys, status, says string }{
		{keyLine, statusOK, "open them"}, {other, statusFail, "do not open what is sealed"}, {"", statusWarn, "see the check of the keys"},
	} {
		m.env["HUB_SECRET_KEYS"] = want.keys
		results := m.check(t)
		if got := results["sealed secrets"]; got.Status != want.status || !strings.Contains(got.Detail, want.says) {
			t.Errorf("with keys %.2q: %s %s", want.keys, got.Status, got.Detail)
		}
		if got := results["database"]; got.Status != statusOK {
			t.Errorf("with keys %.2q: %s %s", want.keys, got.Status, got.Detail)
		}
	}
}

// Whether a commit is safe is the server's to say; how long it takes on the
// machine of a test proves nothing.
func TestDoctorOnUnsafePostgres(t *testing.T) {
	m := onPostgres(t, withParameter(postgrestest.URL(t), "options=-c%20synchronous_commit%3Doff"))
	got := m.check(t)["database commit"]
	if got.Status != statusWarn || !strings.Contains(got.Detail, "synchronous_commit = off") {
		t.Errorf("%s %s", got.Status, got.Detail)
	}
}

func withParameter(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}

// One failure tells of a database that is not there; what hangs on it is not
// known.
func TestDoctorWithoutPostgres(t *testing.T) {
	m := onPostgres(t, "postgres://hub:hunter22@127.0.0.1:1/hub?sslmode=disable")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	checks := m.checks(func() (app.Config, error) {
		return app.LoadConfig(nil, func(name string) (string, bool) { v, ok := m.env[name]; return v, ok })
	})
	seen := 0
	for _, check := range checks {
		result := runCheck(ctx, check)
		if strings.Contains(result.Detail, "hunter22") {
			t.Errorf("%s shows the password: %s", result.Name, result.Detail)
		}
		switch result.Name {
		case "database":
			seen++
			if result.Status != statusFail || !strings.Contains(result.Detail, "Postgres does not answer") {
				t.Errorf("%s %s", result.Status, result.Detail)
			}
		case "database clock", "database commit", "connections", "hubs", "sealed secrets":
			seen++
			if result.Status != statusWarn {
				t.Errorf("%s: %s %s", result.Name, result.Status, result.Detail)
			}
		}
	}
	if seen != 6 {
		t.Errorf("%d of the checks are there", seen)
	}
}
