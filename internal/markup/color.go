package markup

import (
	"fmt"
	"strconv"
	"strings"
)

// Color is "#rrggbb" in lower case; "": none.
type Color string

// namedColors are the words that chat products give a meaning (Slack's and
// Mattermost's attachments), and those that people write.
var namedColors = map[string]Color{
	"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a",
	"red": "#e01e5a", "green": "#2eb67d", "blue": "#36c5f0", "yellow": "#ecb22e", "orange": "#f2711c",
	"purple": "#7c3aed", "grey": "#8d8d8d", "gray": "#8d8d8d", "black": "#1d1c1d", "white": "#ffffff",
}

// ParseColor reads "#rrggbb", "#rgb", both without the "#" and with "0x"
// instead, a decimal number over three digits, and words such as "good". It
// returns "" for anything else.
func ParseColor(s string) Color {
	s = strings.ToLower(strings.TrimSpace(s))
	if c, ok := namedColors[s]; ok {
		return c
	}
	hex := strings.TrimPrefix(strings.TrimPrefix(s, "#"), "0x")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	if len(hex) == 6 {
		if _, err := strconv.ParseUint(hex, 16, 32); err == nil {
			return Color("#" + hex)
		}
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return ColorRGB(int(n))
	}
	return ""
}

// ColorRGB returns the colour that is written as the number 0xrrggbb, as
// Discord does. It returns "" for 0, which stands for none there, and for
// numbers out of range.
func ColorRGB(n int) Color {
	if n <= 0 || n > 0xffffff {
		return ""
	}
	return Color(fmt.Sprintf("#%06x", n))
}

// RGB returns the colour as the number 0xrrggbb; 0 for none.
func (c Color) RGB() int {
	if len(c) != 7 {
		return 0
	}
	n, err := strconv.ParseUint(string(c[1:]), 16, 32)
	if err != nil {
		return 0
	}
	return int(n)
}
