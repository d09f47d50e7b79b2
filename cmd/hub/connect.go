package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/client"
	"github.com/nself-chat/hub/internal/app"
)

// Environment variables that say which hub is meant.
const (
	urlEnv     = "HUB_URL"
	tokenEnv   = "HUB_TOKEN"
	contextEnv = "HUB_CONTEXT"
)

// newWhereTopic makes `hub help where`.
func newWhereTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "where",
		Short: "Which hub a command works with",
		Long: `The first of these that is given says which hub a command works with:

  1. a flag: --url with the token in HUB_TOKEN, or --context with the name of a
     context (hub help context), or --data-dir, --database-url or --config for the
     hub of this machine that has them
  2. HUB_CONTEXT
  3. HUB_URL, with the token in HUB_TOKEN
  4. HUB_DATA_DIR, HUB_DATABASE_URL or HUB_CONFIG: the hub of this machine
  5. the context in use (hub context use)
  6. the hub of this machine with its data in ./data

A flag that is given and empty, as by --url "$UNSET", is refused. An empty variable
counts as not set.

The hub of this machine needs no token: who may read its data folder acts as its
owner. When it is not running, the command does the work itself; what is to be sent
waits until a hub runs.

A token is never given as an argument, where every user of the machine could see it.`,
	}
}

// localFlags are the settings that name a hub of this machine.
var localFlags = []string{"data-dir", "database-url", "config"}

// hiddenFlags are further settings of that hub, seldom given by a flag.
var hiddenFlags = []string{"database-schema", "secret-keys", "files", "base-url", "file-max", "addr"}

// reach is how the commands find the hub that they work with.
type reach struct {
	env      func(string) (string, bool)
	flags    *pflag.FlagSet // shared by all of these commands
	settings *pflag.FlagSet // of a hub of this machine; some are in flags
	url      string
	context  string
	json     bool

	at target // the hub that was found, for messages
}

// target is a hub to work with.
type target struct {
	from      string // where its address is from, for messages
	url       string
	token     string
	tokenFrom string
	local     bool
	tried     string // what does not name a hub, when this is the last resort
}

func newReach(env func(string) (string, bool)) *reach {
	r := &reach{env: env, flags: pflag.NewFlagSet("", pflag.ContinueOnError), settings: pflag.NewFlagSet("", pflag.ContinueOnError)}
	r.flags.StringVar(&r.url, "url", "", "hub to work with; its token is in "+tokenEnv+" ["+urlEnv+"]")
	r.flags.StringVar(&r.context, "context", "", "name of the context to work with ["+contextEnv+"]")
	r.flags.BoolVar(&r.json, "json", false, "print the API's JSON")
	app.RegisterFlags(r.settings)
	for _, name := range localFlags {
		r.flags.AddFlag(r.settings.Lookup(name))
	}
	for _, name := range hiddenFlags {
		flag := r.settings.Lookup(name)
		flag.Hidden = true
		r.flags.AddFlag(flag)
	}
	return r
}

// noun makes a group of commands that work with a hub.
func (r *reach) noun(cmd *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	cmd.PersistentFlags().AddFlagSet(r.flags)
	return group(cmd, subcommands...)
}

func (r *reach) lookup(name string) string {
	value, _ := r.env(name)
	return value
}

// where finds the hub that is meant.
func (r *reach) where() (target, error) {
	local := ""
	for _, name := range localFlags {
		if r.settings.Changed(name) {
			local = "--" + name
		}
	}
	for _, name := range append([]string{"url", "context"}, localFlags...) {
		if f := r.flags.Lookup(name); f.Changed && f.Value.String() == "" { // the next that is given would be another hub
			return target{}, usagef("--%s is empty: give it a value, or leave it away", name)
		}
	}
	given := 0
	for _, flag := range []string{r.url, r.context, local} {
		if flag != "" {
			given++
		}
	}
	if given > 1 {
		return target{}, usagef("--url, --context and %s each name a hub: give one of them", orText(local, "--data-dir"))
	}
	switch {
	case r.url != "":
		return r.remote("--url", r.url)
	case r.context != "":
		return r.named("--context", r.context)
	case local != "":
		return target{from: local, local: true}, nil
	}
	if name := r.lookup(contextEnv); name != "" {
		return r.named(contextEnv, name)
	}
	if address := r.lookup(urlEnv); address != "" {
		return r.remote(urlEnv, address)
	}
	for _, name := range []string{"HUB_DATA_DIR", "HUB_DATABASE_URL", "HUB_CONFIG"} {
		if r.lookup(name) != "" {
			return target{from: name, local: true}, nil
		}
	}
	known, err := r.contexts()
	if err != nil {
		return target{}, err
	}
	if known.Current != "" {
		return r.named("hub context use", known.Current)
	}
	return target{
		from: "the default data folder", local: true,
		tried: "Neither --url, --context, " + contextEnv + ", " + urlEnv + " nor HUB_DATA_DIR names a hub, and no context is in use (hub help where).",
	}, nil
}

// remote is the hub at an address, with the token of the environment.
func (r *reach) remote(from, address string) (target, error) {
	if err := checkAddress(address); err != nil {
		return target{}, usagef("%s: %w", from, err)
	}
	token, err := checkToken(r.lookup(tokenEnv), tokenEnv)
	if err != nil {
		return target{}, err
	}
	at := target{from: from, url: address, token: token, tokenFrom: tokenEnv}
	if at.token == "" {
		return target{}, fail(exitDenied, "%s names the hub at %s, but %s, which must hold its API token, is not set.\n"+
			"Make a token with `hub token create NAME` on the hub's machine, or keep one with `hub context add`.", from, address, tokenEnv)
	}
	return at, nil
}

// named is the hub of a context.
func (r *reach) named(from, name string) (target, error) {
	known, err := r.contexts()
	if err != nil {
		return target{}, err
	}
	c, ok := known.Contexts[name]
	if !ok {
		return target{}, fail(exitNotFound, "%s: there is no context %q%s.\n`hub context add %s URL` makes it.", from, name, known.names(), name)
	}
	return target{from: "the context " + name, url: c.URL, token: c.Token, tokenFrom: "the context " + name}, nil
}

// checkToken is a token without the white space around it. What cannot be sent in a header is refused; from says
// where it is from.
func checkToken(text, from string) (string, error) {
	token := strings.TrimSpace(text)
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", usagef("%s holds no token: a token is one word of visible ASCII characters, and character %d is %q", from, i+1, token[i])
		}
	}
	return token, nil
}

// checkAddress refuses what is not the URL of a hub.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return errors.New("want the http or https URL of a hub, as in https://hub.example.com")
	}
	return nil
}

// connection is a client of the hub that was found.
type connection struct {
	*client.Client
	at    target
	said  *recorder
	close func() error
	// running is false when no hub sends what the commands ask for: it is of this machine and does
	// not run.
	running bool
}

// connect opens the way to the hub that is meant.
func (r *reach) connect(ctx context.Context, options ...client.Option) (*connection, error) {
	at, err := r.where()
	if err != nil {
		return nil, err
	}
	calls := &patience{next: http.DefaultTransport, most: answerTime}
	c := &connection{said: &recorder{on: r.json, next: calls}, close: func() error { return nil }, running: true}
	if at.local {
		config, err := r.config()
		if err != nil {
			return nil, err
		}
		local, err := openLocal(ctx, config, at)
		if err != nil {
			return nil, err
		}
		at.url, at.tokenFrom = app.LocalURL, "this machine"
		calls.next, c.close = local.Transport(), local.Close
		if !local.Running() {
			c.said.next = calls.next // this process answers: what takes long goes on
		}
		c.running = local.Running() || config.Database.Postgres // where others may run
	}
	r.at, c.at = at, at
	options = append([]client.Option{
		client.WithHTTPClient(callsThrough(c.said)), client.WithUserAgent("hub/" + buildVersion()),
	}, options...)
	if c.Client, err = client.New(at.url, at.token, options...); err != nil {
		return nil, usagef("%s: %w", at.from, err)
	}
	return c, nil
}

// callsThrough is a client that follows no redirect: a POST would become a GET on its way, and change nothing.
func callsThrough(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// config is the configuration of the hub of this machine.
func (r *reach) config() (app.Config, error) {
	config, err := app.LoadConfig(r.settings, r.env)
	if err != nil {
		return app.Config{}, &failure{code: exitUsage, err: err}
	}
	return config, nil
}

func openLocal(ctx context.Context, config app.Config, at target) (*app.Local, error) {
	local, err := app.OpenLocal(ctx, config, buildVersion())
	switch {
	case err == nil:
		return local, nil
	case ctx.Err() != nil:
		return nil, err
	}
	text, code := strings.TrimSuffix(err.Error(), "."), exitUnavailable
	if hub.CodeOf(err) == hub.Forbidden || errors.Is(err, fs.ErrPermission) {
		code = exitDenied
	}
	if at.tried != "" && hub.CodeOf(err) == hub.NotFound {
		return nil, fail(code, "%s.\n%s", text, at.tried)
	}
	return nil, fail(code, "%s (from %s).", text, at.from)
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// join writes alternatives as a sentence does.
func join(words []string, last string) string {
	if n := len(words); n > 1 {
		return fmt.Sprintf("%s %s %s", strings.Join(words[:n-1], ", "), last, words[n-1])
	}
	return strings.Join(words, "")
}
