package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRedirectsAreNotFollowed: a POST that was led on would arrive as a GET, and its answer look like a success.
func TestRedirectsAreNotFollowed(t *testing.T) {
	moved := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was led on", r.Method, r.URL)
	}))
	defer moved.Close()
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, moved.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer old.Close()
	env := map[string]string{"HUB_TOKEN": processToken, "HOME": t.TempDir()}
	for _, args := range [][]string{{"channel", "create", "builds", "--url", old.URL}, {"context", "add", "old", old.URL}} {
		out, err := run(t, env, args...)
		if err == nil || !strings.Contains(out, "leads on to "+moved.URL) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// A token from a file with the line ends of Windows is that token; what is none is refused by the name of its place.
func TestTokensAreOneWord(t *testing.T) {
	for text, want := range map[string]string{"hub_a": "hub_a", " hub_a\r\n": "hub_a", "": "", "\n": ""} {
		if got, err := checkToken(text, tokenEnv); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"hub_a\r\nhub_b", "hub a", "hub_\x00", "hub_\u00e4"} {
		if _, err := checkToken(text, tokenEnv); exitCode(err) != exitUsage || !strings.Contains(err.Error(), tokenEnv) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
