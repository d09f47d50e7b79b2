package slack

import "github.com/nself-chat/hub/internal/markup"

// isID reports whether s is a Slack id of what is mentioned: an upper-case
// letter for the kind of thing, then letters and digits.
func isID(target markup.Target, s string) bool {
	switch target {
	case markup.TargetUser:
		return isUserID(s)
	case markup.TargetChannel:
		return idOf(s, "CGD")
	case markup.TargetGroup:
		return idOf(s, "S")
	}
	return false
}

// isUserID knows people (U), those of a Grid organisation (W) and bots (B).
func isUserID(s string) bool { return idOf(s, "UWB") }

func idOf(s, kinds string) bool {
	if len(s) < 2 {
		return false
	}
	digits := false
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits = true
		case c < 'A' || c > 'Z':
			return false
		}
	}
	for i := range len(kinds) {
		if s[0] == kinds[i] {
			return digits || len(s) >= 9
		}
	}
	return false
}
