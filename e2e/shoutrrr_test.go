package e2e

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"testing"
)

// TestShoutrrr posts with shoutrrr's services. Each of them fails unless it gets the
// answer that it knows of its product.
func TestShoutrrr(t *testing.T) {
	t.Parallel()
	binary := needed(t, "HUB_TEST_SHOUTRRR")
	p := startHub(t)
	hub, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	// Mattermost's addresses are /hooks/TOKEN on a host that can be chosen: a proxy
	// in front of the hub has to write them as the hub's.
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(hub)
		r.Out.URL.Path = incomingPath(strings.TrimPrefix(r.In.URL.Path, "/hooks/")) + "/mattermost"
	}})
	t.Cleanup(front.Close)

	for _, service := range []struct {
		name, address string // in which TOKEN and HOST are the webhook's
		dialect       string
		author        string
	}{
		{"slack", "slack://hook:T00000000-B00000000-TOKEN@webhook?botname=CI", "slack", "CI"},
		// Nothing in it is only Discord's.
		{"discord", "discord://TOKEN@incoming?username=CI", "nself-chat", "CI"},
		{"discord-with-title", "discord://TOKEN@incoming?username=CI&title=Backup", "discord", "CI"},
		{"mattermost", "mattermost://CI@FRONT/TOKEN?disabletls=yes", "mattermost", "CI"},
		{"text", "generic://HOST" + incomingPath("TOKEN") + "?disabletls=yes", "nself-chat", "text"},
		{"json", "generic://HOST" + incomingPath("TOKEN") + "?disabletls=yes&template=json&messagekey=text", "nself-chat", "json"},
		{"json-with-more", "generic://HOST" + incomingPath("TOKEN") + "?disabletls=yes&template=json&$project=x", "card", "json-with-more"},
		{"ntfy", "ntfy://HOST" + incomingPath("TOKEN") + "/ntfy/backups?scheme=http&title=Backup", "ntfy", "ntfy"},
		{"gotify", "gotify://HOST" + incomingPath("TOKEN") + "/gotify/AzyoeNS.D4iJLVa?disabletls=yes", "gotify", "gotify"},
	} {
		channelID, in := p.room(service.name)
		address := strings.NewReplacer("TOKEN", in.Token, "HOST", hub.Host, "FRONT", strings.TrimPrefix(front.URL, "http://")).
			Replace(service.address)
		const text = `Backup of db-01 finished: 4.2 GB, "ok" & done`
		if out, err := exec.Command(binary, "-hub", p.url, address, text).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", service.name, err, out)
			continue
		}
		all := p.oldest(channelID)
		if len(all) != 1 {
			t.Errorf("%s: %d messages", service.name, len(all))
			continue
		}
		all[0].says(t, text)
		if all[0].Author.DisplayName != service.author {
			t.Errorf("%s: posted by %+v", service.name, all[0].Author)
		}
		p.knows(in, service.dialect, 1)

		wrong := strings.Replace(address, in.Token, in.Token+"x", 1)
		if out, err := exec.Command(binary, "-hub", p.url, wrong, text).CombinedOutput(); err == nil {
			t.Errorf("%s is content with an address that is nobody's: %s", service.name, out)
		}
	}
	p.stop()
	p.verify()
}
