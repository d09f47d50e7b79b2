package slack

import (
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

// dateFormats are the formats of dates with the one that is written for them.
// {date} is "February 18th, 2014", {date_num} 2014-02-18, {date_long} has the
// day of the week.
var dateFormats = map[markup.TimeFormat]string{
	markup.FormatDateTime:     "{date} {time}",
	markup.FormatDateTimeLong: "{date_long} {time}",
	markup.FormatDate:         "{date_num}",
	markup.FormatDateLong:     "{date}",
	markup.FormatTime:         "{time}",
	markup.FormatTimeSeconds:  "{time_secs}",
	markup.FormatRelative:     "{ago}",
}

// readDate reads what follows <!date^: seconds, format and perhaps a link.
func readDate(s, fallback string) ([]markup.Run, bool) {
	parts := strings.SplitN(s, "^", 3)
	seconds, err := strconv.ParseInt(parts[0], 10, 64)
	if len(parts) < 2 || err != nil {
		return fallbackText(fallback)
	}
	link := ""
	if len(parts) == 3 {
		link = unescaper.Replace(parts[2])
	}
	runs := dateRuns(seconds, unescaper.Replace(parts[1]), fallback, link)
	return runs, len(runs) > 0
}

func fallbackText(s string) ([]markup.Run, bool) {
	if s == "" {
		return nil, false
	}
	return []markup.Run{{Node: markup.Text(s)}}, true
}

// dateRuns returns a date with the words around it: "Posted {date} by mail".
// With a format that has no date in it, Slack shows the fallback.
func dateRuns(seconds int64, format, fallback, link string) []markup.Run {
	from, to, tokens := dateTokens(format)
	if len(tokens) == 0 {
		runs, _ := fallbackText(fallback)
		return runs
	}
	date := markup.Timestamp{Time: time.Unix(seconds, 0).UTC(), Format: timeFormat(tokens), Text: fallback}
	before, after := format[:from], format[to:]
	if before+after != "" {
		date.Text = "" // the fallback says the same, once more
	}
	if date.Text == (markup.Timestamp{Time: date.Time, Format: date.Format}).Plain() {
		date.Text = "" // as the printer wrote it
	}
	var runs []markup.Run
	for _, n := range []markup.Inline{markup.Text(before), date, markup.Text(after)} {
		if n != markup.Inline(markup.Text("")) {
			runs = append(runs, markup.Run{Node: n, URL: link})
		}
	}
	return runs
}

// dateTokens returns the names in curly braces that Slack knows, and where the
// first one begins and the last one ends.
func dateTokens(format string) (from, to int, names []string) {
	for i := 0; ; {
		open := strings.IndexByte(format[i:], '{')
		if open < 0 {
			return from, to, names
		}
		i += open
		end := strings.IndexByte(format[i:], '}')
		if end < 0 {
			return from, to, names
		}
		name := format[i+1 : i+end]
		if !strings.HasPrefix(name, "date") && !strings.HasPrefix(name, "time") && !strings.HasPrefix(name, "ago") &&
			name != "day_divider_pretty" {
			i++
			continue
		}
		if len(names) == 0 {
			from = i
		}
		i += end + 1
		to = i
		names = append(names, name)
	}
}

func timeFormat(names []string) markup.TimeFormat {
	var date, long, short, clock, seconds bool
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "ago"):
			return markup.FormatRelative
		case strings.HasPrefix(name, "time"):
			clock, seconds = true, seconds || name == "time_secs"
		default:
			date = true
			long = long || strings.HasPrefix(name, "date_long")
			short = short || name == "date_num" || name == "date_slash" || strings.HasPrefix(name, "date_short")
		}
	}
	switch {
	case date && clock && long:
		return markup.FormatDateTimeLong
	case date && clock:
		return markup.FormatDateTime
	case date && short:
		return markup.FormatDate
	case date:
		return markup.FormatDateLong
	case seconds:
		return markup.FormatTimeSeconds
	}
	return markup.FormatTime
}
