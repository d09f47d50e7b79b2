package control

import (
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// StaleError answers a change whose If-Match names another version than the one
// in force. Its cause is a Conflict.
type StaleError struct{ conflict *hub.Error }

// Error implements error.
func (e *StaleError) Error() string { return e.conflict.Error() }

// Unwrap returns the Conflict.
func (e *StaleError) Unwrap() error { return e.conflict }

// Version is the version of a thing that was last changed at t, as If-Match
// carries it (RFC 9110 §8.8.3).
func Version(t time.Time) string { return `"` + versionTime(t) + `"` }

// MessageVersion is the version of a message: its revision.
func MessageVersion(revision int) string { return `"` + strconv.Itoa(revision) + `"` }

// MemberVersion is the version of a membership, which has no time of its last
// change: when it began, and the role.
func MemberVersion(m *hub.Member) string {
	return `"` + versionTime(m.JoinedAt) + "." + string(m.Role) + `"`
}

func versionTime(t time.Time) string { return t.UTC().Format("20060102150405.000000") }

// ETag is the entity tag of a thing of that version, shown with a digest of all
// that is shown. The counts in it change without an edit, so If-None-Match asks for
// the whole tag and If-Match for the version only.
func ETag(version, digest string) string {
	return strings.TrimSuffix(version, `"`) + "-" + digest + `"`
}

// maxIfMatch bounds an If-Match in bytes.
const maxIfMatch = 1024

// matches returns a StaleError unless ifMatch is empty, "*", or a list of tags one
// of which is of that version; "" is the version of what does not exist.
func matches(ifMatch, version string) error {
	if ifMatch == "" {
		return nil
	}
	if version != "" && len(ifMatch) <= maxIfMatch {
		version = strings.Trim(version, `"`)
		for tag := range strings.SplitSeq(ifMatch, ",") {
			tag = strings.TrimSpace(tag)
			of, _, _ := strings.Cut(strings.Trim(tag, `"`), "-")
			if tag == "*" || of == version {
				return nil
			}
		}
	}
	return &StaleError{hub.Errorf(hub.Conflict, "It was changed meanwhile; read it again and repeat your change.")}
}
