package dialect

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// AddTime adds a moment, unless it is the zero time.
func (f *Facts) AddTime(title string, t time.Time) {
	if !t.IsZero() {
		f.AddLine(title, Clock(t))
	}
}

// AddSpan adds how long it was from one moment to another, when both are known.
func (f *Facts) AddSpan(title string, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() {
		f.Add(title, Took(to.Sub(from)))
	}
}

// Clock is a moment that each reader sees in their own time zone; see [When].
func Clock(t time.Time) markup.Inline {
	t = t.UTC()
	return markup.Timestamp{Time: t, Text: t.Format("2006-01-02 15:04:05 UTC")}
}

// Number writes a measured value for people: with three decimals at most when it
// has more digits than anybody reads, otherwise as it was sent.
func Number(v Value) string {
	text := v.Str()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) <= 10 || math.Abs(n) >= 1e15 || math.Abs(n) < 0.001 {
		return text
	}
	text = strconv.FormatFloat(n, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
