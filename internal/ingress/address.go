package ingress

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// address is what the URL of a call says.
type address struct {
	token  string
	forced *dialect.Dialect // that the URL asks for; nil: any
	method string           // what follows a forced dialect: chat.postMessage
	// known is false when the URL asks for a dialect that there is not.
	known bool
}

// The routes. Slack's and Discord's own clients build the last ones from a base
// that is configured.
const (
	hookPath     = "/api/webhooks/incoming/{token}"
	dialectPath  = hookPath + "/{dialect}"
	methodPath   = dialectPath + "/{method}"
	messagePath  = hookPath + "/messages/{message}"
	servicesPath = "/services/{team}/{app}/{token}"
	// Senders to Mattermost and Rocket.Chat insist on these paths.
	mattermostPath = "/hooks/{token}"
	rocketchatPath = "/hooks/{id}/{token}"
	discordPath    = "/api/webhooks/discord"
	// Discord's clients append the version of the API to their base.
	clientPath        = "/api/{version}/webhooks/incoming/{token}"
	clientMessagePath = clientPath + "/messages/{message}"
	forcedMessagePath = hookPath + "/discord/messages/{message}"
)

// direct reads the address of an incoming webhook, with or without a dialect.
func direct(r *http.Request) address {
	a := address{token: r.PathValue("token"), method: r.PathValue("method"), known: true}
	if name := r.PathValue("dialect"); name != "" {
		a.forced = dialects.ByName(name)
		a.known = a.forced != nil && (a.method == "" || a.forced.API != nil)
	}
	return a
}

const (
	slackName   = "slack"
	discordName = "discord"
)

// like reads an address as a product's own are; the token is its last part.
func like(name string) func(*http.Request) address {
	return func(r *http.Request) address {
		return address{token: r.PathValue("token"), forced: dialects.ByName(name), known: true}
	}
}

var versionSegment = regexp.MustCompile(`^v[0-9]{1,3}$`)

// discordClient reads an address that a client of Discord's made, or the suffix.
func discordClient(r *http.Request) address {
	version := r.PathValue("version")
	return address{
		token: r.PathValue("token"), forced: dialects.ByName(discordName),
		known: version == "" || versionSegment.MatchString(version),
	}
}

// discordGuide reads the token from where the guide's example has it: a query
// parameter, or the Authorization header.
func discordGuide(r *http.Request) address {
	token := r.URL.Query().Get("token")
	if token == "" {
		scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			token = strings.TrimSpace(credentials)
		}
	}
	return address{token: token, forced: dialects.ByName(discordName), known: true}
}
