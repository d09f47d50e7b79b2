package dialect

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// NameWithEmoji returns the name of an author whose picture is an emoji, given as
// ":tada:", "tada" or by its characters: it stands before the name. Nothing
// can stand before the webhook's own name, nor an emoji that only one product has.
func NameWithEmoji(emoji, name string) string {
	emoji = strings.Trim(strings.TrimSpace(emoji), ":")
	if emoji == "" || name == "" {
		return name
	}
	if chars, ok := markup.LookupEmoji(emoji); ok {
		return chars + " " + name
	}
	if _, ok := markup.EmojiName(emoji); ok {
		return emoji + " " + name
	}
	return name
}
