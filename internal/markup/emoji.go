package markup

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed emoji.txt
var emojiTable string

// skinTones are Slack's names of the modifiers of UTS #51 §2.4.
var skinTones = map[string]string{
	"skin-tone-2": "\U0001F3FB",
	"skin-tone-3": "\U0001F3FC",
	"skin-tone-4": "\U0001F3FD",
	"skin-tone-5": "\U0001F3FE",
	"skin-tone-6": "\U0001F3FF",
}

type standardEmoji struct {
	chars string
	tones bool
}

type emojiIndex struct {
	byName map[string]standardEmoji
	byChar map[string]string // without variation selectors, which senders leave out
}

var standardEmojis = sync.OnceValue(func() emojiIndex {
	index := emojiIndex{byName: make(map[string]standardEmoji, 3000), byChar: make(map[string]string, 2000)}
	for line := range strings.Lines(emojiTable) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		chars, tones := strings.CutPrefix(words[0], "+")
		for _, name := range words[1:] {
			index.byName[name] = standardEmoji{chars, tones}
		}
		index.byChar[withoutVariation(chars)] = words[1]
	}
	return index
})

// LookupEmoji returns the characters of a standard emoji by its shortcode,
// without colons: "tada", and with Slack's skin tones "wave::skin-tone-3".
func LookupEmoji(name string) (string, bool) {
	name, tone, toned := strings.Cut(name, "::")
	e, ok := standardEmojis().byName[name]
	if !ok || !toned {
		return e.chars, ok
	}
	modifier, ok := skinTones[tone]
	if !ok {
		return "", false
	}
	if !e.tones {
		return e.chars, true
	}
	_, size := utf8.DecodeRuneInString(e.chars)
	return e.chars[:size] + modifier + strings.TrimPrefix(e.chars[size:], "\uFE0F"), true
}

// EmojiName returns the shortcode of a standard emoji, without colons, and of
// one with a skin tone "wave::skin-tone-3".
func EmojiName(chars string) (string, bool) {
	index, plain := standardEmojis().byChar, withoutVariation(chars)
	if name, ok := index[plain]; ok {
		return name, true
	}
	for tone, modifier := range skinTones {
		if before, after, found := strings.Cut(plain, modifier); found {
			name, ok := index[before+after]
			return name + "::" + tone, ok
		}
	}
	return "", false
}

func withoutVariation(s string) string { return strings.ReplaceAll(s, "\uFE0F", "") }
