package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/nself-chat/hub/internal/control"
)

// Conditional holds the header of a change that is made on a known version.
type Conditional struct {
	IfMatch string `header:"If-Match" maxLength:"1024" doc:"The ETag or the version the change is made on, or several; when none is in force any more, 412. * is any."`
}

// digestLen is the length of a digest in bytes: enough to tell two answers of one
// address apart.
const digestLen = 8

// etagOf is the entity tag of an answer whose text is b (RFC 9110 §8.8.3): that of
// a read changes with all that is shown, that of a change names the new version.
func etagOf(r *http.Request, out any, b []byte) string {
	t, ok := out.(tagged)
	if !isRead(r) {
		if ok {
			return t.version()
		}
		return ""
	}
	sum := sha256.Sum256(b)
	digest := hex.EncodeToString(sum[:digestLen])
	if ok {
		return control.ETag(t.version(), digest)
	}
	return `"` + digest + `"`
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// namesTag reports whether an If-None-Match names the tag, in the weak comparison
// of RFC 9110 §13.1.2, or is "*".
func namesTag(header []string, tag string) bool {
	for _, line := range header {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// unquoted is a version as a field of an answer.
func unquoted(version string) string { return strings.Trim(version, `"`) }
