// Command shoutrrr sends a message through a service of shoutrrr's, as Watchtower
// and others do, to a hub. Addresses at Slack and Discord, which shoutrrr does not
// let one choose, lead to the hub. It is a module of its own: nothing else depends
// on shoutrrr.
//
//	go run . -hub http://127.0.0.1:8000 URL MESSAGE
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"

	"github.com/nicholas-fedor/shoutrrr"
)

// elsewhere are the hosts whose requests the hub gets.
var elsewhere = []string{"hooks.slack.com", "discord.com"}

// detour sends the requests to some hosts to another.
type detour struct {
	to   *url.URL
	next http.RoundTripper
}

// RoundTrip sends a request.
func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	if slices.Contains(elsewhere, r.URL.Host) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = d.to.Scheme, d.to.Host, ""
	}
	return d.next.RoundTrip(r)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	hub := flag.String("hub", "http://127.0.0.1:8000", "the hub's address")
	flag.Parse()
	if flag.NArg() != 2 {
		return errors.New("usage: shoutrrr [-hub ADDRESS] URL MESSAGE")
	}
	to, err := url.Parse(*hub)
	if err != nil {
		return err
	}
	http.DefaultTransport = detour{to, http.DefaultTransport}
	return shoutrrr.Send(flag.Arg(0), flag.Arg(1))
}
