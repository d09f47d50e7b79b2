package chat

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilename is the length of a file's name in bytes, that of the usual file
// systems.
const maxFilename = 255

// maxExtension is the longest ending of a name that is kept when the name is cut.
const maxExtension = 16

// cleanFilename makes a name that is safe to show and to save under: one path
// element, without control characters, without those that reorder text (which
// make "exe.png" of "gnp.exe"), at most 255 bytes. What leaves nothing is "file".
func cleanFilename(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), isDirection(r), r == utf8.RuneError, r == '\u2028', r == '\u2029':
			return -1
		case strings.ContainsRune(`<>:"|?*`, r): // refused by Windows
			return '_'
		}
		return r
	}, name)
	name = cutFilename(strings.Trim(name, " ."))
	if name == "" {
		return "file"
	}
	return name
}

// cutFilename shortens a name to maxFilename bytes and keeps its extension.
func cutFilename(name string) string {
	if len(name) <= maxFilename {
		return name
	}
	ext := filepath.Ext(name)
	if len(ext) > maxExtension {
		ext = ""
	}
	stem := name[:maxFilename-len(ext)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return strings.TrimRight(stem, " .") + ext
}
