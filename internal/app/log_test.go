package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nself-chat/hub/internal/secret"
)

func TestDebugComponents(t *testing.T) {
	for _, c := range []struct {
		patterns, component string
		want                bool
	}{
		{"", "delivery", false},
		{"integrations:*", "delivery", true},
		{"*", "delivery", true},
		{"integrations:delivery", "delivery", true},
		{"integrations:delivery", "delivery2", false},
		{"integrations:deli*", "delivery", true},
		{"integrations:*very", "delivery", true},
		{"integrations:d*v*y", "delivery", true},
		{"integrations:*,-integrations:store", "store", false},
		{"-integrations:store,integrations:*", "store", false},
		{"integrations:* -integrations:store", "delivery", true},
		{"integrations:*,-integrations:s*", "ingress", true},
		{"integrations:*,-*", "ingress", false},
		{"express:*,integrations:chat", "chat", true},
		{"express:*", "delivery", false},
		{"1", "delivery", false},
		{"true", "delivery", false},
		{"delivery", "delivery", false},
		{"Integrations:*", "delivery", false},
	} {
		if got := ParseDebug(c.patterns).Component(c.component); got != c.want {
			t.Errorf("%q for %s: %t", c.patterns, c.component, got)
		}
	}
}

// The expression package is an independent judge of the pattern matcher.
func TestMatchesLikeAnExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab:*]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab:]{0,8}`).Draw(t, "name")
		expr := "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
		if want := regexp.MustCompile(expr).MatchString(name); matches(pattern, name) != want {
			t.Fatalf("%q on %q: want %t", pattern, name, want)
		}
	})
}

func TestComponentLevels(t *testing.T) {
	write := func(c LogConfig) string {
		var b bytes.Buffer
		c.Format = formatText
		log := newLogger(&b, Config{Log: c}, false, false)
		delivery := log.With(ComponentKey, "delivery", "other", 1)
		for name, l := range map[string]*slog.Logger{
			"root": log, "delivery": delivery, "store": log.With(ComponentKey, "store"),
			"deeper": delivery.With("k", "v"), "moved": delivery.With(ComponentKey, "store"),
			"grouped": delivery.WithGroup("g").With(ComponentKey, "store"),
		} {
			l.Debug(name + "-debug")
			l.Info(name + "-info")
			l.Warn(name + "-warn")
			l.Log(t.Context(), slog.LevelDebug-4, name+"-trace")
		}
		return b.String()
	}
	for _, c := range []struct {
		name      string
		config    LogConfig
		yes, none []string
	}{
		{"info", LogConfig{Level: slog.LevelInfo}, []string{"root-info", "store-warn"}, []string{"-debug", "-trace"}},
		{"warn", LogConfig{Level: slog.LevelWarn}, []string{"root-warn"}, []string{"-info", "-debug"}},
		{"debug", LogConfig{Level: slog.LevelDebug}, []string{"root-debug", "store-debug"}, []string{"-trace"}},
		{
			"one component",
			LogConfig{Debug: ParseDebug("integrations:delivery")},
			[]string{"delivery-debug", "deeper-debug", "grouped-debug", "root-info"},
			[]string{"root-debug", "store-debug", "moved-debug", "-trace"},
		},
		{
			"all but one, above the level",
			LogConfig{Level: slog.LevelError, Debug: ParseDebug("integrations:*,-integrations:store")},
			[]string{"delivery-debug", "delivery-info"},
			[]string{"store-warn", "root-warn", "moved-debug"},
		},
	} {
		out := write(c.config)
		for _, line := range c.yes {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %s in\n%s", c.name, line, out)
			}
		}
		for _, line := range c.none {
			if strings.Contains(out, line) {
				t.Errorf("%s: %s in\n%s", c.name, line, out)
			}
		}
	}
}

func TestLogFormats(t *testing.T) {
	const escape = "\x1b["
	for _, c := range []struct {
		format            string
		terminal, noColor bool
		wantJSON, colours bool
	}{
		{formatAuto, true, false, false, true},
		{formatAuto, true, true, false, false},
		{formatAuto, false, false, true, false},
		{formatText, true, false, false, false},
		{formatText, false, false, false, false},
		{formatJSON, true, false, true, false},
	} {
		var b bytes.Buffer
		newLogger(&b, Config{Log: LogConfig{Format: c.format}}, c.terminal, c.noColor).Info("hello", "n", 1)
		var line struct{ Msg string }
		isJSON := json.Unmarshal(b.Bytes(), &line) == nil && line.Msg == "hello"
		if isJSON != c.wantJSON || strings.Contains(b.String(), escape) != c.colours || !strings.Contains(b.String(), "hello") {
			t.Errorf("%+v: %q", c, b.String())
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	NewLogger(f, Config{Log: LogConfig{Format: formatAuto}}).Info("hello")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestLogShowsNoCredential(t *testing.T) {
	const admin = "my-own-admin-token"
	token := secret.Token(secret.APITokenPrefix, 16).Reveal()
	config := Config{AdminToken: secret.New(admin), SecretKeys: secret.New("k1:" + keyText)}
	for _, format := range []string{formatAuto, formatText, formatJSON} {
		for _, terminal := range []bool{true, false} {
			var b bytes.Buffer
			config.Log.Format = format
			log := newLogger(&b, config, terminal, true).With(ComponentKey, "x", "attached", token)
			log.Error("failed "+admin, "err", errors.New("key "+keyText), "config", config,
				"path", "/api/webhooks/incoming/abcdefgh", slog.Group("g", "list", config.SecretKeys.Reveal()))
			for _, credential := range []string{admin, token, keyText, "abcdefgh"} {
				if strings.Contains(b.String(), credential) {
					t.Errorf("%s shows %s: %s", format, credential, b.String())
				}
			}
			if !strings.Contains(b.String(), "failed "+secret.Mask) {
				t.Errorf("%s: %s", format, b.String())
			}
		}
	}
}
