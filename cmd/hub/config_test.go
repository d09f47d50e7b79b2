package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/internal/app"
)

// execute runs a command with its own output, in an environment in which no setting of the hub is set but those given.
func execute(t *testing.T, cmd *cobra.Command, env map[string]string, args ...string) (stdout string, err error) {
	t.Helper()
	for _, s := range (app.Config{}).Describe() {
		t.Setenv(s.Env, env[s.Env]) // empty counts as not set
	}
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

const hiddenToken = "hunter22-hunter22-hunter22"

func TestConfigCommandPrintsATable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hub.yaml")
	if err := os.WriteFile(file, []byte("concurrency: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HUB_DATA_DIR": dir, "HUB_ADMIN_TOKEN": hiddenToken}
	out, err := execute(t, newConfigCommand(), env, "--timeout", "9000")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	lines := strings.Split(out, "\n")
	for _, line := range lines {
		if cells := strings.Fields(line); len(cells) > 0 {
			rows[cells[0]] = cells
		}
	}
	for key, want := range map[string]string{
		"concurrency": "concurrency 7 file HUB_CONCURRENCY",
		"adminToken":  "adminToken ******** env HUB_ADMIN_TOKEN",
		"timeout":     "timeout 9000 flag HUB_TIMEOUT",
		"maxRetries":  "maxRetries 3 default HUB_MAX_RETRIES",
		"baseUrl":     "baseUrl (made of addr) default HUB_BASE_URL",
		"egressAllow": "egressAllow - default HUB_EGRESS_ALLOW",
	} {
		if got := strings.Join(rows[key], " "); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if !strings.HasPrefix(out, "Configuration file: "+file+"\n") {
		t.Errorf("the file is not named: %s", lines[0])
	}
	if strings.Contains(out, hiddenToken) {
		t.Error("the token is shown")
	}
	// Aligned: the column of the environment begins at one place.
	column := strings.Index(lines[2], "ENVIRONMENT")
	for _, line := range lines[3:] {
		if line != "" && !strings.HasPrefix(line[column:], "HUB_") && !strings.HasPrefix(line[column:], "DEBUG") {
			t.Errorf("not aligned: %q", line)
		}
	}
}

func TestConfigCommandPrintsJSON(t *testing.T) {
	env := map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_ADMIN_TOKEN": hiddenToken}
	out, err := execute(t, newConfigCommand(), env, "--json", "--allow-http")
	if err != nil {
		t.Fatal(err)
	}
	var report configReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Settings) != len((app.Config{}).Describe()) || report.File != "" || strings.Contains(out, hiddenToken) {
		t.Errorf("%s", out)
	}
	for _, s := range report.Settings {
		if s.Key == "allowHttp" && (s.Value != "true" || s.Source != app.SourceFlag || s.Flag != "--allow-http") {
			t.Errorf("%+v", s)
		}
	}
}

func TestConfigCommandRefuses(t *testing.T) {
	env := map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_ADMIN_TOKEN": "not a token " + hiddenToken}
	out, err := execute(t, newConfigCommand(), env)
	if err == nil || !strings.Contains(err.Error(), "HUB_ADMIN_TOKEN") || strings.Contains(err.Error()+out, hiddenToken) {
		t.Errorf("%v", err)
	}
}

func TestConfigCommandPrintsTheReference(t *testing.T) {
	out, err := execute(t, newConfigCommand(), map[string]string{"HUB_ADDR": "malformed"}, "--docs")
	if err != nil || out != app.ConfigMarkdown() {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := execute(t, newConfigCommand(), nil, "--docs", "--json"); err == nil {
		t.Error("two forms at once")
	}
}
