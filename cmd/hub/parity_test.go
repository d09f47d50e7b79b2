package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// side is a hub with the way that the command line finds it.
type side struct {
	env  []string
	vars map[string]string
}

// hub runs a command and returns what it printed, and its exit code.
func (s *side) hub(t *testing.T, args []string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "HUB_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(append(cmd.Env, asHub+"=1", "TZ=UTC", "XDG_CONFIG_HOME="+t.TempDir()), s.env...)
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// step runs a line of a script: "NAME= command" keeps the first line printed, which $NAME stands for
// from then on.
func (s *side) step(t *testing.T, line string) (stdout, stderr string, code int) {
	t.Helper()
	name, command, keeps := strings.Cut(line, "= ")
	if !keeps || strings.Contains(name, " ") {
		name, command = "", line
	}
	args := words(os.Expand(command, func(name string) string { return s.vars[name] }))
	stdout, stderr, code = s.hub(t, args)
	if name != "" {
		s.vars[name], _, _ = strings.Cut(stdout, "\n")
	}
	return stdout, stderr, code
}

// words splits a line at spaces outside of single quotes.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}

// What differs from hub to hub and from call to call.
var varying = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?`), "<time>"},
	{regexp.MustCompile(`\b\d{14}\.\d{6}\b`), "<version>"},
	{regexp.MustCompile(`(Date": "|Date: )[^"\n]+`), "$1<time>"},
	{regexp.MustCompile(`hub_[0-9a-z]+`), "<token>"},
	{regexp.MustCompile(`whsec_[0-9A-Za-z+/=]+`), "<secret>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "<host>"},
	{regexp.MustCompile(`/incoming/\w+`), "/incoming/<token>"},
	{regexp.MustCompile(`(Token +|"token": ")\w+`), "$1<token>"},
	{regexp.MustCompile(`\d+\.\d+ ms`), "<ms>"},
	{regexp.MustCompile(`"(duration|oldestDueSeconds|seq)": [\d.e-]+`), `"$1": <n>`},
	{regexp.MustCompile(`(Number +)\d+`), "$1<n>"},
	{regexp.MustCompile(`(Signature": "|Timestamp": ")[^"]+`), "$1<signed>"},
}

func steady(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.stands)
	}
	return text
}

// paritySteps are commands that show, make, change and refuse, with people's output and with JSON. Those
// that begin with ! send deliveries, and print what came of them.
var paritySteps = strings.Split(strings.TrimSpace(`
channel list
channel list --json
channel create builds --topic 'What CI says'
channel create builds
channel create 'No Name' --json
BOARD= channel create board --private --quiet
channel show board --json
channel show nowhere
channel edit builds --topic CI --json
channel edit builds
channel archive board
channel delete board
channel delete board --yes
user create ada --display-name 'Ada Lovelace'
user list
user edit ada --status gone
channel join builds ada
channel members builds
channel members builds --json
channel leave builds ada --json
message post builds 'Deploy **done**'
M= message post builds again --quiet
message edit $M changed
message list builds
message list builds --json
message show $M --revisions
message react $M 👍 --json
message search deploy
message delete $M --yes
message thread $M
webhook incoming create ci --channel builds --rate-limit 5
webhook incoming list
webhook incoming edit ci --allow-ip nonsense
webhook incoming rotate ci --json
webhook incoming log ci
webhook incoming delete nothing --yes
webhook outgoing create orders $SINK --event order.created --event webhook.test --secret a-secret-of-mine
webhook outgoing create orders2 ftp://x --event '*' --json
webhook outgoing list
webhook outgoing show orders --json
! webhook outgoing test orders --wait
! webhook outgoing test orders --wait --json
webhook outgoing rotate-secret orders
! deliveries list
! deliveries list --json
! webhook outgoing replay orders --status success --dry-run
event trigger order.paid --data '{"id": 17}'
event trigger order.paid --data nonsense
event trigger 'no name' --json
event list --limit 5 --type 'order.*'
! queue stats --json
queue pause
queue pause --yes
queue resume --json
file show 01a20028-dd55-7000-8b7e-02788dca0b21
inbox list
session list
session revoke --all --yes --json
token create reader --scope read --channel builds
token list --quiet
token revoke reader
token revoke reader --yes
token create x --scope nothing
deliveries show 01a20028-dd55-7000-8b7e-02788dca0b21 --json
`), "\n")

// TestLocalAndRemotePrintTheSame: the same commands print the same, byte for byte, whether the hub is
// named by its URL, is that of this machine, or is not running.
func TestLocalAndRemotePrintTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of commands, each a process")
	}
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer sink.Close()
	start := func(stopped bool) *side {
		data := filepath.Join(t.TempDir(), "hub")
		h, err := startHub(data)
		if err != nil {
			t.Fatal(err)
		}
		if stopped {
			h.kill()
		} else {
			t.Cleanup(h.kill)
		}
		return &side{env: []string{"HUB_DATA_DIR=" + data, "HUB_ADDR=127.0.0.1:0", "URL=" + h.url}, vars: map[string]string{"SINK": sink.URL}}
	}
	remote, local, stopped := start(false), start(false), start(true)
	remote.env = []string{"HUB_URL=" + strings.TrimPrefix(remote.env[2], "URL="), "HUB_TOKEN=" + processToken}

	for _, line := range paritySteps {
		line, sends := strings.CutPrefix(line, "! ")
		out, errs, code := remote.step(t, line)
		lout, lerrs, lcode := local.step(t, line)
		if code != lcode || steady(out) != steady(lout) || steady(errs) != steady(lerrs) {
			t.Errorf("hub %s\nremote: exit code %d\n%s%s\nlocal: exit code %d\n%s%s", line,
				code, steady(out), steady(errs), lcode, steady(lout), steady(lerrs))
		}
		if sends {
			continue
		}
		sout, serrs, scode := stopped.step(t, line)
		if code != scode || steady(out) != steady(sout) {
			t.Errorf("hub %s\nremote: exit code %d\n%s%s\nnot running: exit code %d\n%s%s", line,
				code, steady(out), steady(errs), scode, steady(sout), steady(serrs))
		}
	}
}

// TestJSONIsTheAPIs: what --json prints is what the API answers.
func TestJSONIsTheAPIs(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of commands, each a process")
	}
	h, err := startHub(filepath.Join(t.TempDir(), "hub"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.kill)
	s := &side{env: []string{"HUB_URL=" + h.url, "HUB_TOKEN=" + processToken}, vars: map[string]string{}}
	for _, line := range []string{
		"C= channel create builds --quiet", "M= message post builds hello --quiet", "W= webhook incoming create ci --channel builds --quiet",
		"O= webhook outgoing create orders http://127.0.0.1:1/ --event order.* --max-retries 0 --quiet",
		"E= event trigger order.created --quiet",
	} {
		if _, errs, code := s.step(t, line); code != exitOK {
			t.Fatalf("hub %s: %s", line, errs)
		}
	}
	for line, path := range map[string]string{
		"channel list": "/api/channels", "channel show builds": "/api/channels/$C", "channel members builds": "/api/channels/$C/members",
		"message list builds": "/api/channels/$C/messages", "message show $M": "/api/messages/$M", "message search hello": "/api/search?q=hello",
		"message show $M --revisions": "/api/messages/$M/revisions", "webhook incoming list": "/api/incoming-webhooks",
		"webhook incoming show ci": "/api/incoming-webhooks/$W", "webhook incoming log ci": "/api/incoming-webhooks/$W/log",
		"webhook incoming dialects": "/api/incoming-webhooks/dialects", "webhook outgoing list": "/api/outgoing-webhooks",
		"webhook outgoing show orders": "/api/outgoing-webhooks/$O", "event list --limit 3": "/api/events?limit=3", "event show $E": "/api/events/$E",
		"user list": "/api/users", "user show owner": "/api/users/$OWNER", "token list": "/api/tokens", "session list": "/api/sessions",
		"audit list": "/api/audit-log", "inbox list": "/api/inbox",
	} {
		if strings.Contains(path, "$OWNER") {
			s.step(t, "OWNER= user list --quiet")
		}
		out, errs, code := s.step(t, line+" --json")
		var got, want any
		if code != exitOK || json.Unmarshal([]byte(out), &got) != nil {
			t.Errorf("hub %s: exit code %d, %s%s", line, code, out, errs)
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+os.Expand(path, func(name string) string { return s.vars[name] }), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+processToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(res.Body).Decode(&want); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		res.Body.Close()
		if page, ok := want.(map[string]any); ok && page["items"] != nil {
			want = page["items"]
		}
		forget(got)
		forget(want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("hub %s --json prints\n%v\nand %s is\n%v", line, fmt.Sprint(got), path, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// forget drops what changes by looking, and by what is sent meanwhile.
func forget(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			forget(e)
		}
	case map[string]any:
		for _, name := range []string{"lastUsedAt", "deliveries", "health"} {
			delete(v, name)
		}
	}
}
