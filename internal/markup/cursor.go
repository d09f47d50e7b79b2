package markup

import "strings"

// cursor reads a line from its start. Tabs at its start reach to the next
// multiple of four columns (CommonMark §2.2).
type cursor struct {
	rest   string
	column int
}

// indent returns the columns of white space before the text.
func (c *cursor) indent() int {
	column := c.column
	for i := 0; i < len(c.rest); i++ {
		switch c.rest[i] {
		case ' ':
			column++
		case '\t':
			column += codeIndent - column%codeIndent
		default:
			return column - c.column
		}
	}
	return column - c.column
}

// text returns what is left without the white space before it.
func (c *cursor) text() string { return strings.TrimLeft(c.rest, " \t") }

func (c *cursor) blank() bool { return c.text() == "" }

// skip takes n columns of white space. What is left of a tab becomes spaces.
func (c *cursor) skip(n int) {
	for n > 0 && c.rest != "" {
		width := 1
		if c.rest[0] == '\t' {
			width = codeIndent - c.column%codeIndent
		}
		took := min(n, width)
		c.rest = c.rest[1:]
		if took < width {
			c.rest = strings.Repeat(" ", width-took) + c.rest
		}
		c.column += took
		n -= took
	}
}

// take takes n bytes that are no white space.
func (c *cursor) take(n int) {
	c.rest = c.rest[n:]
	c.column += n
}

// takeQuoteMark takes ">" and the space after it.
func (c *cursor) takeQuoteMark() bool {
	if c.indent() >= codeIndent || !strings.HasPrefix(c.text(), ">") {
		return false
	}
	c.skip(c.indent())
	c.take(1)
	if c.rest != "" && (c.rest[0] == ' ' || c.rest[0] == '\t') {
		c.skip(1)
	}
	return true
}

// takeTask takes the check box of a list item (GFM §5.3).
func (c *cursor) takeTask() Task {
	s := c.rest
	if len(s) < 3 || s[0] != '[' || s[2] != ']' || len(s) > 3 && s[3] != ' ' && s[3] != '\t' {
		return NoTask
	}
	var task Task
	switch s[1] {
	case ' ':
		task = TaskOpen
	case 'x', 'X':
		task = TaskDone
	default:
		return NoTask
	}
	c.take(min(len(s), 4))
	return task
}
