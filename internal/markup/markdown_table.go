package markup

import "strings"

// tableAlign reads the line below the header of a table: "| --- | :-: |"
// (GFM §4.10).
func tableAlign(s string) ([]Align, bool) {
	if !strings.Contains(s, "|") || strings.Trim(s, "|-: \t") != "" {
		return nil, false
	}
	cells := splitRow(s)
	out := make([]Align, len(cells))
	for i, cell := range cells {
		left, right := strings.HasPrefix(cell, ":"), strings.HasSuffix(cell, ":")
		dashes := strings.TrimSuffix(strings.TrimPrefix(cell, ":"), ":")
		if dashes == "" || strings.Trim(dashes, "-") != "" {
			return nil, false
		}
		switch {
		case left && right:
			out[i] = AlignCenter
		case left:
			out[i] = AlignLeft
		case right:
			out[i] = AlignRight
		}
	}
	return out, true
}

// parseRow reads a row. Cells beyond the header's, which GFM ignores, stay.
func parseRow(s string) Row {
	cells := splitRow(s)
	row := make(Row, len(cells))
	for i := range row {
		row[i] = parseInline(strings.ReplaceAll(cells[i], `\|`, `|`))
	}
	return row
}

// splitRow divides a row at its pipes. A pipe after a backslash belongs to a cell.
func splitRow(s string) []string {
	s = strings.Trim(s, " \t")
	s = strings.TrimPrefix(s, "|")
	if strings.HasSuffix(s, "|") && !strings.HasSuffix(s, `\|`) {
		s = s[:len(s)-1]
	}
	var cells []string
	start := 0
	for i := range len(s) {
		if s[i] == '|' && (i == 0 || s[i-1] != '\\') {
			cells = append(cells, strings.Trim(s[start:i], " \t"))
			start = i + 1
		}
	}
	return append(cells, strings.Trim(s[start:], " \t"))
}
