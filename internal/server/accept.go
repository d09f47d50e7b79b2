package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
)

// CheckAccept refuses a request whose Accept (RFC 9110 §12.5.1) excludes the media
// type that the answer has. Without one everything is accepted. Parameters other
// than q are not looked at.
func CheckAccept(r *http.Request, media string) error {
	lines := r.Header["Accept"]
	if len(lines) == 0 || len(lines) == 1 && (lines[0] == "*/*" || lines[0] == media) { // what nearly all send
		return nil
	}
	kind, _, _ := strings.Cut(media, "/")
	best, accepted, asked := -1, false, false
	for _, line := range lines {
		for text := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(text) == "" {
				continue
			}
			asked = true
			name, params, err := mime.ParseMediaType(text)
			if err != nil {
				continue
			}
			// The most specific range decides.
			rank := map[string]int{"*/*": 0, kind + "/*": 1, media: 2}
			if n, ok := rank[name]; ok && n >= best {
				q, err := strconv.ParseFloat(params["q"], 64)
				yes := err != nil || q > 0
				accepted = yes || accepted && n == best
				best = n
			}
		}
	}
	if accepted || !asked {
		return nil
	}
	return hub.Errorf(notAcceptable, "The answer is %s, which the request's Accept excludes.", media)
}
