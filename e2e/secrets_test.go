package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/nself-chat/hub/client"
)

// secretValues are the secrets of a run by what they are.
type secretValues map[string]string

// forms are the ways in which a secret could be written.
func forms(secret string) [][]byte {
	inJSON, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	all := []string{
		secret, strings.Trim(string(inJSON), `"`), url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		all = append(all, encoded)
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			all = append(all, string(raw), hex.EncodeToString(raw))
		}
	}
	var out [][]byte
	for _, form := range all {
		out = append(out, []byte(form))
	}
	return out
}

// found names the secrets that text contains in any form.
func (s secretValues) found(text []byte) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if slices.ContainsFunc(forms(s[name]), func(form []byte) bool { return bytes.Contains(text, form) }) {
			names = append(names, name)
		}
	}
	return names
}

// TestSecrets lets a hub do everything with its eyes and mouth wide open, and
// looks for its secrets in all that it said, sent and stored.
func TestSecrets(t *testing.T) { onBoth(t, testSecrets) }

func testSecrets(t *testing.T, on database) {
	p := on.newProcess(t, "DEBUG=integrations:*", "HUB_LOG=debug")
	secrets := secretValues{"the admin token": adminToken}
	if on == postgres {
		secrets["the database's password"] = p.withPassword()
	}
	p.start()
	receiver := newSink(t)
	said := &syncBuffer{} // all answers but those that show a secret once
	loud := *p
	loud.transport = transcript{said}
	s := &secretRun{t: t, p: p, loud: &loud, said: said, receiver: receiver, secrets: secrets}

	s.incoming()
	s.outgoing()
	s.access()
	s.failures()
	s.askEverything()
	s.commands(said)
	p.drained(patience)
	running := s.stored() // while the hub runs, with its write-ahead log
	p.stop()
	s.keys()

	if got := secrets.found([]byte(p.log.String())); got != nil {
		t.Errorf("the log holds %v", got)
	}
	if got := secrets.found([]byte(said.String())); got != nil {
		t.Errorf("answers hold %v", got)
	}
	if got := secrets.found([]byte(p.out.String())); !slices.Equal(got, []string{"the first login code"}) {
		t.Errorf("the standard output holds %v, want the one-time link alone", got)
	}
	for name, text := range running {
		if got := secrets.found(text); got != nil {
			t.Errorf("while the hub ran, %s held %v", name, got)
		}
	}
	for name, text := range s.stored() {
		if got := secrets.found(text); got != nil {
			t.Errorf("%s holds %v", name, got)
		}
	}
	s.outbound()

	// What was searched is what it should be, and the search finds things.
	names := secretValues{"a name": "The webhook with headers"}
	for what, text := range map[string]string{"the answers": said.String(), "the database": string(s.stored()[databaseName])} {
		if names.found([]byte(text)) == nil {
			t.Errorf("%s do not hold the name of a webhook: what was searched is not it", what)
		}
	}
	if !strings.Contains(p.log.String(), "DEBUG") {
		t.Error("the log has no debug lines")
	}
	if len(secrets) < 18 {
		t.Errorf("only %d secrets were known", len(secrets))
	}
	p.verify()
}

// secretRun is the hub that TestSecrets looks at. Calls whose answers show a
// secret go through p, all others through loud, whose answers are searched.
type secretRun struct {
	t        *testing.T
	p, loud  *process
	said     *syncBuffer // those answers
	receiver *sink
	secrets  secretValues
}

func (s *secretRun) incoming() {
	general := s.p.general()
	const hmacSecret = "incoming-hmac-secret-0123456789"
	plain := s.p.incoming(map[string]any{"name": "plain", "targetChannelId": general})
	signed := s.p.incoming(map[string]any{"name": "signed", "targetChannelId": general, "hmacSecret": hmacSecret})
	s.secrets["an incoming token"], s.secrets["a signed incoming token"] = plain.Token, signed.Token
	s.secrets["an incoming HMAC secret"] = hmacSecret
	rotated := s.p.rotate(plain, time.Hour)
	s.secrets["a rotated incoming token"] = rotated.Token
	var keyed hook
	if a := s.p.keyed("/api/incoming-webhooks", "once-in", `{"name":"keyed","targetChannelId":"`+general+`"}`, true); json.Unmarshal(a.Body, &keyed) != nil {
		s.t.Fatalf("%s", a.Body)
	}
	s.secrets["the incoming token of a repeatable request"] = keyed.Token

	for _, token := range []string{plain.Token, rotated.Token, keyed.Token, signed.Token} {
		for _, body := range []string{guideCurl, `{"broken":`, `{"content":"over and over","token":"` + token + `","password":"` + hmacSecret + `"}`} {
			s.loud.curl(token, body)
		}
		if _, err := s.loud.do("GET", incomingPath(token), anonymous(), nil); err != nil {
			s.t.Fatal(err)
		}
		for _, path := range []string{"/slack", "/unknown", "/messages/nonsense", "/a/b/c"} {
			if _, err := s.p.do("POST", incomingPath(token)+path, anonymous(), strings.NewReader(`{"text":"hello"}`)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	header := anonymous()
	body := `{"content":"signed"}`
	header.Set("X-Webhook-Signature", bodySignature(hmacSecret, []byte(body)))
	if a, err := s.loud.do("POST", incomingPath(signed.Token), header, strings.NewReader(body)); err != nil || a.Status != http.StatusOK {
		s.t.Fatalf("%v %d", err, a.Status)
	}
}

// headerValues are the custom headers of the webhook at /headers.
var headerValues = map[string]string{
	"Authorization": "Bearer custom-header-credential-42", "X-Api-Key": "custom-api-key-43", "Cookie": "session=custom-cookie-44",
}

func (s *secretRun) outgoing() {
	all := []string{"*"}
	s.secrets["an outgoing secret"] = s.p.webhookTo(s.receiver, "/made", all, nil).Secret
	s.secrets["an outgoing secret that was brought"] = "brought-outgoing-secret-45"
	s.p.webhookTo(s.receiver, "/brought", all, map[string]any{"secret": "brought-outgoing-secret-45", "signing": "github"})
	s.p.webhookTo(s.receiver, "/headers", all, map[string]any{
		"name": "The webhook with headers", "headers": headerValues, "secret": "secret-beside-headers-46", "signing": "slack",
	})
	s.secrets["the secret beside custom headers"] = "secret-beside-headers-46"
	for name, value := range headerValues {
		s.secrets["a custom header "+name] = value[strings.Index(value, "custom-"):]
	}
	rotated := s.p.webhookTo(s.receiver, "/rotated", all, nil)
	s.secrets["a secret before its rotation"] = rotated.Secret
	fresh := s.p.rotateSecret(rotated, api.DefaultOverlap)
	s.secrets["a rotated secret"] = fresh.Secret
	var keyed hook
	a := s.p.keyed("/api/outgoing-webhooks", "once-out", `{"name":"keyed","url":"`+s.receiver.url("/keyed")+`","events":["*"]}`, true)
	if json.Unmarshal(a.Body, &keyed) != nil {
		s.t.Fatalf("%s", a.Body)
	}
	s.secrets["the secret of a repeatable request"] = keyed.Secret
}

// access makes what signs people and programs in.
func (s *secretRun) access() {
	s.secrets["an API token"] = s.p.newToken("write")
	var keyed hook
	if a := s.p.keyed("/api/tokens", "once-token", `{"name":"keyed","scope":"read"}`, true); json.Unmarshal(a.Body, &keyed) != nil {
		s.t.Fatalf("%s", a.Body)
	}
	s.secrets["the API token of a repeatable request"] = keyed.Token
	first := loginLink.FindString(s.p.out.String())
	_, s.secrets["the first login code"], _ = strings.Cut(first, "code=")
	link := s.p.loginURL()
	_, s.secrets["a spent login code"], _ = strings.Cut(link, "code=")
	cookie := s.p.spend(link)
	if cookie == nil || first == "" {
		s.t.Fatal("nobody can sign in")
	}
	s.secrets["a session cookie"] = cookie.Value
	s.p.spend(link)
	general := "/channels/" + s.p.general()
	for _, path := range []string{"/", general, general + "?before=x", "/fragments" + general + "/messages", "/nowhere", "/static/app.js"} {
		s.loud.page(path, cookie)
		s.loud.page(path, nil)
	}
}

// failures makes the hub speak of trouble: refused credentials, and receivers
// that answer badly.
func (s *secretRun) failures() {
	for _, credential := range []string{"Bearer " + adminToken + "x", "Basic " + adminToken, adminToken} {
		header := http.Header{"Authorization": {credential}}
		if _, err := s.loud.do("GET", "/api/channels?token="+adminToken, header, nil); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, path := range []string{"/api/tokens/" + adminToken, "/api/search?q=" + adminToken, "/login?code=" + s.secrets["an API token"]} {
		if _, err := s.p.do("GET", path, nil, nil); err != nil {
			s.t.Fatal(err)
		}
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	s.t.Cleanup(tls.Close)
	failing := map[string]string{
		"refused": "http://" + freeAddr(s.t) + "/", "bad TLS": tls.URL, "unknown host": "https://host.invalid/hook", "500": s.receiver.url("/500"),
	}
	for name, address := range failing {
		w := s.p.outgoing(map[string]any{
			"name": name, "url": address, "events": []string{"trouble"}, "headers": map[string]string{"X-Api-Key": headerValues["X-Api-Key"]},
			"maxRetries": 0, "secret": "secret-of-trouble-47",
		})
		defer s.p.awaitStatuses(w.ID, "failed", 1)
	}
	s.secrets["the secret of failing webhooks"] = "secret-of-trouble-47"
	s.receiver.answers("/500", 500)
	s.p.publish("trouble", map[string]any{})
	eventually(s.t, "a notice of each", func() bool {
		told := strings.Join(s.p.notices(), "\n")
		for name := range failing {
			if !strings.Contains(told, "**"+name+"**") {
				return false
			}
		}
		return true
	})
}

// askEverything makes every GET call of the API, and follows the stream.
func (s *secretRun) askEverything() {
	ids, c, ctx := map[string][]string{}, s.loud.api(), s.t.Context()
	collect(s.p, ids, "channels", c.Channels(ctx), func(v api.Channel) string { return v.ID })
	collect(s.p, ids, "users", c.Users(ctx), func(v api.User) string { return v.ID })
	collect(s.p, ids, "tokens", c.Tokens(ctx), func(v api.Token) string { return v.ID })
	collect(s.p, ids, "sessions", c.Sessions(ctx, ""), func(v api.Session) string { return v.ID })
	collect(s.p, ids, "incoming-webhooks", c.IncomingWebhooks(ctx), func(v api.IncomingWebhook) string { return v.ID })
	collect(s.p, ids, "outgoing-webhooks", c.OutgoingWebhooks(ctx), func(v api.OutgoingWebhook) string { return v.ID })
	collect(s.p, ids, "deliveries", c.Deliveries(ctx, api.DeliveryQuery{}), func(v api.Delivery) string { return v.ID })
	collect(s.p, ids, "events", c.EventLog(ctx, ""), func(v api.Event) string { return v.ID })
	for _, o := range s.p.describedOperations() {
		parts := strings.Split(o.Path, "/")
		if o.Method != "GET" || strings.HasSuffix(o.Path, "/stream") || len(parts) < 3 {
			continue
		}
		paths := []string{o.Path}
		if strings.Contains(o.Path, "{id}") {
			paths = nil
			for _, id := range ids[parts[2]] {
				paths = append(paths, strings.Replace(o.Path, "{id}", id, 1))
			}
		}
		for _, path := range paths {
			if _, err := s.loud.do("GET", path, nil, nil); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, id := range ids["incoming-webhooks"] {
		for _, c := range s.loud.callsOf(id) {
			_, err := s.loud.api().Call(s.t.Context(), id, c.ID)
			s.p.ok(err)
		}
	}
	for _, path := range []string{"/openapi.json", "/docs", "/metrics", "/healthz", "/readyz"} {
		if _, err := s.loud.do("GET", path, nil, nil); err != nil {
			s.t.Fatal(err)
		}
	}
	s.follow(len(ids["events"]))
}

// collect notes the ids of a list's items under its name.
func collect[T any](p *process, ids map[string][]string, name string, list iter.Seq2[T, error], id func(T) string) {
	p.t.Helper()
	for _, item := range all(p, list) {
		ids[name] = append(ids[name], id(item))
	}
}

func (s *secretRun) follow(events int) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.p.url+"/api/events/stream?after=0", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines(resp.Body, func(line string) bool {
		_, _ = io.WriteString(s.said, line+"\n")
		if strings.HasPrefix(line, "data: ") {
			events--
		}
		return events > 0
	})
}

// commands runs those that look at the hub; what they print is an answer, too.
func (s *secretRun) commands(said io.Writer) {
	for _, args := range [][]string{{"config"}, {"config", "--json"}, {"doctor"}, {"token", "list"}, {"verify"}, {"verify", "--json"}, {"serve"}} {
		cmd := s.p.command(args...)
		cmd.Env = append(cmd.Env, "HUB_ADMIN_TOKEN="+adminToken)
		out, err := cmd.CombinedOutput()
		if err == nil && args[0] == "serve" {
			s.t.Error("two hubs run on one folder")
		}
		_, _ = said.Write(out)
	}
}

// withPassword lets the hub give the database a password, which is not asked
// for, and returns it.
func (p *process) withPassword() string {
	p.t.Helper()
	const password = "the-password-of-the-database"
	with, err := url.Parse(p.database)
	if err != nil {
		p.t.Fatal(err)
	}
	with.User = url.UserPassword(with.User.Username(), password)
	p.useDatabase(with.String())
	return password
}

// stored reads all files of the data folder but the one that is to hold keys,
// and a database elsewhere as one of them.
func (s *secretRun) stored() map[string][]byte {
	all := make(map[string][]byte)
	err := filepath.WalkDir(s.p.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name, _ := filepath.Rel(s.p.dir, path)
		if err != nil || !d.Type().IsRegular() || name == "keys" {
			return err
		}
		text, err := os.ReadFile(path)
		all[name] = text
		return err
	})
	if s.p.database != "" {
		all[databaseName] = dump(s.t, s.p.database)
	}
	if err != nil || len(all[databaseName]) == 0 {
		s.t.Fatalf("the data folder: %v, %v", err, slices.Collect(maps.Keys(all)))
	}
	return all
}

// keys adds the keys that seal the others.
func (s *secretRun) keys() {
	path := filepath.Join(s.p.dir, "keys")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		s.t.Errorf("the file of the keys: %v %v", info.Mode(), err)
	}
	for line := range strings.Lines(string(text)) {
		if _, key, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(line, "#") {
			s.secrets["a sealing key"] = key
			if raw, err := base64.StdEncoding.DecodeString(key); err == nil {
				s.secrets["a sealing key's bytes"] = string(raw)
			}
		}
	}
	if s.secrets["a sealing key"] == "" {
		s.t.Errorf("no key was found in the file of the keys, which has %d bytes", len(text))
	}
}

// outbound looks at all that was sent: only a webhook's own headers carry the
// values that its owner gave them.
func (s *secretRun) outbound() {
	sent := 0
	for path, box := range s.receiver.everything() {
		for _, a := range box {
			sent++
			h := a.Header.Clone()
			own := map[string]map[string]string{"/headers": headerValues, "/500": {"X-Api-Key": headerValues["X-Api-Key"]}}[path]
			for name, value := range own {
				if h.Get(name) != value {
					s.t.Errorf("%s did not get its header %s", path, name)
				}
				h.Del(name)
			}
			var text bytes.Buffer
			if err := h.Write(&text); err != nil {
				s.t.Fatal(err)
			}
			text.Write(a.Body)
			if got := s.secrets.found(text.Bytes()); got != nil {
				s.t.Errorf("a request to %s carries %v: %s", path, got, text.Bytes())
			}
		}
	}
	if sent < 20 {
		s.t.Errorf("only %d requests were sent", sent)
	}
}

// TestEchoedHeaders: a receiver that answers with what it was sent does not
// bring an owner's credentials into the log of deliveries.
func TestEchoedHeaders(t *testing.T) { onBoth(t, testEchoedHeaders) }

func testEchoedHeaders(t *testing.T, on database) {
	p := on.startHub(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Api-Key"))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"headers": r.Header})
	}))
	defer echo.Close()
	w := p.outgoing(map[string]any{
		"name": "echo", "url": echo.URL, "events": []string{"echo"}, "headers": map[string]string{"X-Api-Key": "echoed-credential-48"},
	})
	p.publish("echo", 1)
	p.awaitStatuses(w.ID, "success", 1)
	a, err := p.do("GET", "/api/deliveries/"+p.deliveries(w.ID, "")[0].ID, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(a.Body), "X-Echo") || !strings.Contains(string(a.Body), "responseBody") {
		t.Errorf("the log does not show the answer: %s", a.Body)
	}
	if strings.Contains(string(a.Body), "echoed-credential-48") {
		t.Errorf("the log shows the credential: %s", a.Body)
	}
}
