package ingress

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialects"
)

// The most, in characters, that is kept of what a call brings. Longer text is
// cut where a reader can see it, never refused.
const (
	maxContent     = 16_000
	maxUsername    = 80
	maxEmbeds      = 10
	maxFields      = 25
	maxTitle       = 256
	maxDescription = 4096
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxFilename    = 255
	maxMimeType    = 127
)

// clip cuts what is too long and drops characters that cannot be shown.
func clip(p *dialects.Post) {
	p.Content = strings.TrimSpace(clipContent(printable(p.Content)))
	p.Username = clipLine(p.Username, maxUsername)
	p.Embeds = p.Embeds[:min(len(p.Embeds), maxEmbeds)]
	for i := range p.Embeds {
		clipEmbed(&p.Embeds[i])
	}
	p.Embeds = fitEmbeds(p.Embeds)
	for i := range p.Files {
		p.Files[i].Filename = clipLine(p.Files[i].Filename, maxFilename)
		p.Files[i].MimeType = clipLine(p.Files[i].MimeType, maxMimeType)
	}
}

// embedBudget is how many bytes of JSON the embeds of a message may have
// together. It is the chat's.
const embedBudget = 64 << 10

// fitEmbeds leaves out the last embeds, and the last fields and the footer of
// the only one, until the chat takes the rest. The last one that stays says so.
func fitEmbeds(embeds []hub.Embed) []hub.Embed {
	const shortened = "… (shortened: the cards were too long)"
	for len(embeds) > 0 && embedBytes(embeds) > embedBudget {
		switch last := &embeds[len(embeds)-1]; {
		case len(embeds) > 1 || len(last.Fields) == 0 && last.Footer == shortened:
			embeds = embeds[:len(embeds)-1]
		default:
			last.Fields = last.Fields[:len(last.Fields)/2]
		}
		if len(embeds) > 0 {
			embeds[len(embeds)-1].Footer = shortened
		}
	}
	return embeds
}

// embedBytes is how many bytes of JSON the embeds have at most in the chat,
// which writes a zero-width space after each @ that addresses everybody.
func embedBytes(embeds []hub.Embed) int {
	encoded, err := json.Marshal(embeds)
	if err != nil { // strings always encode
		return math.MaxInt
	}
	return len(encoded) + bytes.Count(encoded, []byte{'@'})*len("\u200b")
}

func clipEmbed(e *hub.Embed) {
	e.Title = clipLine(e.Title, maxTitle)
	e.Description = clipText(e.Description, maxDescription)
	e.AuthorName = clipLine(e.AuthorName, maxTitle)
	e.Footer = clipText(e.Footer, maxFooter)
	e.Fields = e.Fields[:min(len(e.Fields), maxFields)]
	for i := range e.Fields {
		e.Fields[i].Name = clipLine(e.Fields[i].Name, maxTitle)
		e.Fields[i].Value = clipText(e.Fields[i].Value, maxFieldValue)
	}
}

// clipContent says how much is missing.
func clipContent(s string) string {
	if len(s) <= maxContent {
		return s
	}
	total := utf8.RuneCountInString(s)
	if total <= maxContent {
		return s
	}
	mark := "…\n\n_(shortened from " + strconv.Itoa(total) + " characters)_"
	return firstRunes(s, maxContent-utf8.RuneCountInString(mark)) + mark
}

func clipText(s string, limit int) string {
	s = strings.TrimSpace(printable(s))
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return firstRunes(s, limit-1) + "…"
}

// clipLine makes one line of s.
func clipLine(s string, limit int) string {
	if strings.ContainsAny(s, "\n\t") {
		s = strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
	}
	return clipText(s, limit)
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// printable drops control characters but line feed and tab.
func printable(s string) string {
	if !mayHoldControls(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// mayHoldControls looks at bytes: C0, DEL, and the lead byte of C1.
func mayHoldControls(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == 0xc2 {
			return true
		}
	}
	return false
}
