package chat

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/markup"
)

// Lengths of what nself-chat's columns hold, in characters, and of URLs in bytes.
const (
	maxName     = 100
	maxUsername = 50
	maxTopic    = 500
	maxAbout    = 2000
	maxEmail    = 255
	maxURL      = 2048
)

// checkContent adds what is wrong with the text of a message to errs.
func (s *Service) checkContent(errs *hub.FieldErrors, content string) {
	switch limit := s.Limits.content(); {
	case !utf8.ValidString(content):
		errs.Add("content", "must be valid UTF-8")
	case len(content) > limit && utf8.RuneCountInString(content) > limit:
		errs.Add("content", "at most %d characters", limit)
	}
}

// cleanText makes text fit to be stored: valid UTF-8 without NUL, which
// becomes U+FFFD (CommonMark §2.3).
func cleanText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cleanLine makes a name of one line out of s, of at most limit characters:
// without control characters and those that change the direction of text.
func cleanLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || isDirection(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	return clip(strings.TrimSpace(s), limit)
}

// isDirection reports whether r is an invisible character that reorders text
// (UAX #9 §2), with which a name can be made to look like another.
func isDirection(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r)
}

// clip returns the first limit characters of s.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit {
			return strings.TrimSpace(s[:i])
		}
		n++
	}
	return s
}

// webURL returns s when it is an absolute http or https URL, else "": a URL of
// another scheme can do harm where it is shown.
func webURL(s string) string {
	if s == "" || len(s) > maxURL {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

// massMentions are the names that address everybody at once.
var massMentions = []string{"channel", "here", "everyone", "all"}

// defuse makes the mass mentions in Markdown harmless: those that its source
// spells, and those that come of styles, entities and escapes in it. The text
// stays as it was written unless one of the latter is in it; then it is printed
// anew. What it returns it leaves as it is.
func defuse(text string) string {
	text = breakMentions(text)
	if !strings.Contains(text, "@") && !strings.Contains(text, "&#") && !strings.Contains(text, "&commat") {
		return text // nothing in it is read as an @
	}
	d := markup.ParseMarkdown(text)
	if safe := defused(d); !markup.Equal(safe, d) {
		text, _ = markup.PrintMarkdown(safe)
	}
	return text
}

// defused returns the document with mass mentions made harmless.
func defused(d markup.Document) markup.Document {
	d, _ = markup.Defuse(d, markup.Allow{Users: true, Groups: true})
	return d
}

// breakMentions breaks the mass mentions in plain text by a zero-width space
// after the @, so that they stay readable and address nobody, here and wherever
// the text is sent. Underscores around one may be markup there, so they do not
// make it part of a word.
func breakMentions(text string) string {
	at := strings.IndexByte(text, '@')
	if at < 0 {
		return text
	}
	var b strings.Builder
	for at >= 0 {
		b.WriteString(text[:at+1])
		if !wordBefore(text[:at]) && startsMassMention(text[at+1:]) {
			b.WriteString("\u200b")
		}
		text = text[at+1:]
		at = strings.IndexByte(text, '@')
	}
	b.WriteString(text)
	return b.String()
}

func startsMassMention(rest string) bool {
	for _, name := range massMentions {
		if len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
			next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest[len(name):], "_"))
			return !isWord(next)
		}
	}
	return false
}

func wordBefore(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && isWord(r)
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
