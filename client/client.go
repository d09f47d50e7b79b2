package client

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// Client calls one hub with one token. It is safe for concurrent use.
type Client struct {
	base    string
	token   string
	http    *http.Client
	agent   string
	retries int
	// sleep waits for d or until ctx is done.
	sleep sleeper
	// random returns a number in [0, 1).
	random func() float64
}

// Option changes a Client as it is made.
type Option func(*Client)

// WithHTTPClient makes calls through h: the place for a proxy, certificates of
// your own, or a Transport that logs and counts. Without it they go through a
// client that has no time limit (use contexts) and follows no redirect. A
// Timeout of h also ends streams and downloads.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries sets how often a call that can be repeated is repeated; 0 is
// never, without this option it is 3.
func WithRetries(n int) Option { return func(c *Client) { c.retries = max(n, 0) } }

// WithUserAgent sets the User-Agent of all calls.
func WithUserAgent(name string) Option { return func(c *Client) { c.agent = name } }

// New returns a client of the hub at baseURL, an http or https URL; the path of
// the API is added to it.
func New(baseURL, token string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("client: the base URL must be an http or https URL")
	}
	c := &Client{
		base: strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), token: token, agent: "nself-chat-hub-client",
		retries: 3, http: &http.Client{CheckRedirect: stay}, sleep: wait, random: rand.Float64,
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// stay follows no redirect: a POST would become a GET on its way to another
// address.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
