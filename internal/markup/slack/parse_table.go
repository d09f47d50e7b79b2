package slack

import (
	"github.com/nself-chat/hub/internal/markup"
)

// table reads a table block. The first row is the header.
func (r *reader) table(o object) []markup.Block {
	var t markup.Table
	for _, column := range o.list("column_settings") {
		align := markup.AlignNone
		switch asObject(column).str("align") {
		case "left":
			align = markup.AlignLeft
		case "center":
			align = markup.AlignCenter
		case "right":
			align = markup.AlignRight
		}
		t.Align = append(t.Align, align)
	}
	for i, v := range o.list("rows") {
		cells, _ := v.([]any)
		row := make(markup.Row, len(cells))
		for j, cell := range cells {
			row[j] = r.cell(cell)
		}
		if i == 0 {
			t.Header = row
		} else {
			t.Rows = append(t.Rows, row)
		}
	}
	return append(text(textInline(o["caption"])...), t)
}

func (r *reader) cell(v any) markup.Cell {
	o := asObject(v)
	switch o.str("type") {
	case "rich_text":
		return inlineOf(richText(o.objects("elements")))
	case "raw_number":
		return markup.Cell{markup.Text(o.first("text", "value"))}
	case "action":
		return r.element(o.object("element"))
	}
	return textInline(v)
}

// chart reads a data_visualization block: its numbers, in a table.
func chart(o object) []markup.Block {
	c := o.object("chart")
	title := text(markup.Strong{Content: textInline(o["title"])})
	cell := func(s string) markup.Cell { return markup.Cell{markup.Text(s)} }
	if segments := c.objects("segments"); len(segments) > 0 {
		t := markup.Table{Header: markup.Row{cell("Label"), cell("Value")}}
		for _, s := range segments {
			t.Rows = append(t.Rows, markup.Row{cell(s.str("label")), cell(s.str("value"))})
		}
		return append(title, t)
	}
	axis := c.object("axis_config")
	t := markup.Table{Header: markup.Row{cell(axis.str("x_label"))}}
	rows := map[string]int{}
	add := func(label string) int {
		i, ok := rows[label]
		if !ok {
			i = len(t.Rows)
			rows[label] = i
			t.Rows = append(t.Rows, markup.Row{cell(label)})
		}
		return i
	}
	for _, category := range axis.list("categories") {
		add(asString(category))
	}
	for j, series := range c.objects("series") {
		t.Header = append(t.Header, cell(series.str("name")))
		for _, point := range series.objects("data") {
			i := add(point.str("label"))
			for len(t.Rows[i]) < j+2 {
				t.Rows[i] = append(t.Rows[i], nil)
			}
			t.Rows[i][j+1] = cell(point.str("value"))
		}
	}
	return append(title, t)
}
