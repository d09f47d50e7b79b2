package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
)

func TestTableFitsATerminal(t *testing.T) {
	id := "01a20028-dd55-7000-8b7e-02788dca0b21"
	columns := []column[[3]string]{
		{"ID", func(r [3]string) string { return r[0] }},
		{"NAME", func(r [3]string) string { return r[1] }},
		{"TEXT", func(r [3]string) string { return r[2] }},
	}
	rows := [][3]string{{id, "ada", strings.Repeat("long ", 40)}, {id, "日本語", "two\nlines\x1b[31m"}}
	for _, width := range []int{0, 60, 80, 200} {
		var out, notes bytes.Buffer
		o := &output{out: &out, err: &notes, width: width}
		if err := printTable(o, rows, "none", func(r [3]string) string { return r[0] }, columns); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || strings.Contains(out.String(), "\x1b") {
			t.Fatalf("at width %d:\n%s", width, out.String())
		}
		for _, line := range lines {
			if width > 0 && cells(line) > width {
				t.Errorf("at width %d, a line of %d: %s", width, cells(line), line)
			}
		}
		if !strings.HasPrefix(lines[1], id) {
			t.Errorf("at width %d the id is cut: %s", width, lines[1])
		}
		if whole := strings.Contains(lines[1], strings.TrimSpace(rows[0][2])); whole != (width == 0) {
			t.Errorf("at width %d, whole %v: %s", width, whole, lines[1])
		}
		// The columns of each line begin at the same cell.
		at := func(line, word string) int { return cells(line[:strings.Index(line, word)]) }
		if at(lines[0], "TEXT") != at(lines[1], "long") || at(lines[0], "TEXT") != at(lines[2], "two") {
			t.Errorf("at width %d, not aligned:\n%s", width, out.String())
		}
		if notes.Len() > 0 {
			t.Errorf("notes: %s", notes.String())
		}
	}
	var out, notes bytes.Buffer
	if err := printTable(&output{out: &out, err: &notes}, nil, "There is nothing.", func(string) string { return "" }, nil); err != nil ||
		out.Len() > 0 || notes.String() != "There is nothing.\n" {
		t.Errorf("an empty list: %v %q %q", err, out.String(), notes.String())
	}
}

func TestWhen(t *testing.T) {
	now := time.Now()
	for text, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "3d": now.Add(-72 * time.Hour), "2026-02-01": time.Date(2026, 2, 1, 0, 0, 0, 0, time.Local),
		"2026-02-01T12:30": time.Date(2026, 2, 1, 12, 30, 0, 0, time.Local), "2026-02-01T12:30:00Z": time.Date(2026, 2, 1, 12, 30, 0, 0, time.UTC),
	} {
		var w whenFlag
		if err := w.Set(text); err != nil || w.Sub(want).Abs() > time.Minute {
			t.Errorf("%s: %v, %v; want %v", text, w.Time, err, want)
		}
	}
	w := whenFlag{toCome: true}
	if err := w.Set("30d"); err != nil || w.Sub(now.Add(30*24*time.Hour)).Abs() > time.Minute {
		t.Errorf("in 30 days: %v, %v", w.Time, err)
	}
	for _, text := range []string{"", "yesterday", "-2h", "2026-13-01", "1e9d"} {
		if err := (&whenFlag{}).Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestExitCodesAndWords(t *testing.T) {
	at := target{from: "--url", url: "http://hub.example", tokenFrom: "HUB_TOKEN"}
	refused := func(status int, code, detail string) error {
		e := &client.Error{Status: status, Code: code, Detail: detail, RequestID: "r-17"}
		if e.Temporary() {
			e.RetryAfter = 3 * time.Second
		}
		return fmt.Errorf("wrapped: %w", e)
	}
	tests := []struct {
		err  error
		code int
		says []string
		not  string
	}{
		{errors.New("broken"), exitFailed, []string{"hub: broken"}, ""},
		{usagef("wrong"), exitUsage, []string{"hub: wrong", "--help"}, ""},
		{refused(400, "invalid", "No."), exitUsage, []string{"hub: No."}, "r-17"},
		{refused(401, "unauthorized", "No."), exitDenied, []string{"HUB_TOKEN", "hub token create", "hub context add"}, "r-17"},
		{refused(403, "forbidden", "No."), exitDenied, []string{"--user USER"}, "--scope"},
		{refused(403, "forbidden", "You need the scope write to post messages."), exitDenied, []string{"--scope write"}, "admin"},
		{refused(403, "forbidden", "A token that is restricted to channels may not do it."), exitDenied, []string{"without --channel"}, "--user"},
		{hub.Errorf(hub.Invalid, "No."), exitUsage, []string{"hub: No."}, "--help"},
		{fmt.Errorf("wrapped: %w", hub.Errorf(hub.NotFound, "No.")), exitNotFound, nil, ""},
		{hub.Errorf(hub.Forbidden, "No."), exitDenied, nil, ""},
		{hub.Errorf(hub.Conflict, "No."), exitConflict, nil, ""},
		{hub.Errorf(hub.StorageFull, "No."), exitUnavailable, nil, ""},
		{hub.Errorf(hub.Internal, "No."), exitFailed, nil, ""},
		{refused(404, "not_found", "No."), exitNotFound, []string{"hub: No.", "hub channel list"}, "r-17"},
		{refused(409, "conflict", "No."), exitConflict, nil, "r-17"},
		{&client.Error{Status: 409, Code: "conflict", Detail: "It still runs.", RetryAfter: time.Second}, exitUnavailable, []string{"Try again in 1s"}, ""},
		{refused(412, "conflict", "No."), exitConflict, nil, "r-17"},
		{refused(413, "too_large", "No."), exitFailed, nil, "r-17"},
		{refused(429, "rate_limited", "No."), exitUnavailable, []string{"Try again in 3s"}, "r-17"},
		{refused(500, "internal", "No."), exitFailed, []string{"request id r-17"}, ""},
		{refused(503, "unavailable", "No."), exitUnavailable, []string{"Try again in 3s"}, "r-17"},
		{refused(507, "storage_full", "No."), exitUnavailable, nil, "r-17"},
		{refused(404, "", "Not Found"), exitNotFound, []string{"is http://hub.example the address of a hub?"}, "r-17"},
		{
			away(&url.Error{Op: "Get", URL: "http://hub.example/x", Err: errors.New("refused")}), exitUnavailable,
			[]string{"no hub answers at http://hub.example (from --url): refused.", "hub serve"},
			"/x",
		},
		{away(&url.Error{Op: "Get", Err: context.Canceled}), exitFailed, nil, ""},
		{
			away(fmt.Errorf("hub: read: %w", &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET})), exitUnavailable,
			[]string{"no hub answers"},
			"",
		},
		{away(&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}), exitFailed, []string{"no space left"}, "no hub answers"},
		{usagef("%w", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}), exitUsage, []string{"hub: open x: no such file"}, "no hub answers"},
	}
	cmd, _, err := newProgram().root.Find([]string{"channel", "show"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		var b strings.Builder
		complain(&b, cmd, at, test.err)
		if code := exitCode(test.err); code != test.code {
			t.Errorf("%v: exit code %d, want %d", test.err, code, test.code)
		}
		for _, part := range test.says {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%v: there is no %q in\n%s", test.err, part, b.String())
			}
		}
		if test.not != "" && strings.Contains(b.String(), test.not) {
			t.Errorf("%v: %q is in\n%s", test.err, test.not, b.String())
		}
	}
}

// TestJSONOnATerminal: it says the same, without characters that a terminal obeys. A pipe gets it as it is.
func TestJSONOnATerminal(t *testing.T) {
	const doc = "{\"a\":\"\u009b31m \u007f \u202e \U000e0001 日本 \U0001f44d\"}"
	for width, want := range map[int]string{
		0:  doc + "\n",
		80: `{"a":"\u009b31m \u007f \u202e \udb40\udc01 日本 ` + "\U0001f44d\"}\n",
	} {
		var b bytes.Buffer
		o := &output{out: &b, width: width}
		if err := o.object(json.RawMessage(doc)); err != nil || b.String() != want {
			t.Errorf("%d: %q, %v; want %q", width, b.String(), err, want)
		}
		var was, is any
		if json.Unmarshal([]byte(doc), &was) != nil || json.Unmarshal(b.Bytes(), &is) != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%d: %v became %v", width, was, is)
		}
	}
}
