package dialect

import (
	"bytes"
	"fmt"
)

// marks are the quotation marks in which a string may stand.
type marks struct {
	open  string
	close []string
}

var quotationMarks = []marks{
	{`"`, []string{`"`}},
	{"'", []string{"'"}},
	{"“", []string{"”", "“", `"`}},
	{"”", []string{"”", `"`}},
	{"„", []string{"“", "”", `"`}},
	{"‘", []string{"’", "‘", "'"}},
	{"’", []string{"’", "'"}},
	{"`", []string{"`"}},
}

// mark returns the quotation marks that open a string at i; nil: none does.
func (r *repairer) mark(i int) *marks {
	for k := range quotationMarks {
		if bytes.HasPrefix(r.in[i:], []byte(quotationMarks[k].open)) {
			return &quotationMarks[k]
		}
	}
	return nil
}

// closing returns the length of the mark at i, if it may close such a string.
func (m *marks) closing(b []byte) int {
	for _, end := range m.close {
		if len(b) >= len(end) && string(b[:len(end)]) == end {
			return len(end)
		}
	}
	return 0
}

// quoted reads a string in quotation marks. Such a mark inside it is text unless
// the structure goes on behind it as it should behind a string.
func (r *repairer) quoted(at place) {
	m := r.mark(r.i)
	r.i += len(m.open)
	last := r.jsonInside(at)
	r.out = append(r.out, '"')
	for start := r.i; r.i < len(r.in); {
		c := r.in[r.i]
		n := m.closing(r.in[r.i:])
		switch {
		case n > 0 && (last == 0 || r.i > start && r.in[r.i-1] == last) && r.ends(r.i+n, at):
			r.i += n
			r.out = append(r.out, '"')
			return
		case c == '\\':
			r.escape(start, m)
		case c == '"':
			r.out = append(r.out, `\"`...)
			r.i++
		default:
			r.out = appendEscaped(r.out, c)
			r.i++
		}
	}
	r.out = append(r.out, '"') // it was cut off
}

// jsonInside tells a string into which JSON was pasted as it is, and returns the
// bracket that ends it; 0 for other strings.
func (r *repairer) jsonInside(at place) byte {
	b := r.in[r.i:]
	switch {
	case len(b) < 2 || at == inName || b[1] == '"' && r.ends(r.i+2, at):
		return 0
	case b[0] == '{' && b[1] == '"':
		return '}'
	case b[0] == '[' && (b[1] == '"' || b[1] == '{'):
		return ']'
	}
	return 0
}

// ends reports whether the structure goes on at i as it should behind a value.
func (r *repairer) ends(i int, at place) bool {
	if at == inName {
		return true
	}
	next := r.afterSpace(i)
	if next == len(r.in) {
		return true
	}
	if at == atTop {
		return false
	}
	switch c := r.in[next]; {
	case c == ',':
		return r.goesOn(next+1, at)
	case c == '}' || c == ']':
		return r.closes(next + 1)
	case r.commentAt(next) || bytes.IndexByte(r.in[i:next], '\n') >= 0:
		return r.goesOn(next, at)
	}
	return at == inObject && next > i && r.mark(next) != nil && r.nameAt(next) // a comma was forgotten
}

func (r *repairer) commentAt(i int) bool {
	return bytes.HasPrefix(r.in[i:], []byte("//")) || bytes.HasPrefix(r.in[i:], []byte("/*"))
}

// goesOn reports whether another member or element begins at i, or the end.
func (r *repairer) goesOn(i int, at place) bool {
	i = r.afterSpace(i)
	if i == len(r.in) || r.commentAt(i) {
		return true
	}
	c := r.in[i]
	if c == '}' || c == ']' {
		return r.closes(i + 1)
	}
	if at == inObject {
		return r.nameAt(i)
	}
	return c == '{' || c == '[' || c == '-' || c >= '0' && c <= '9' || r.mark(i) != nil || words[string(r.in[i:r.endOfWord(i)])] != ""
}

// closes reports whether what stands at i may stand behind a closing bracket.
func (r *repairer) closes(i int) bool {
	next := r.afterSpace(i)
	if next == len(r.in) || bytes.IndexByte([]byte(",;)}]"), r.in[next]) >= 0 || r.commentAt(next) {
		return true
	}
	return bytes.IndexByte(r.in[i:next], '\n') >= 0 || len(r.in)-next < 4 && isTail(r.in[next])
}

// nameAt reports whether a member begins at i: a name and a colon, or the end. A name without
// quotation marks counts only where others are written so.
func (r *repairer) nameAt(i int) bool {
	end := 0
	if m := r.mark(i); m != nil {
		i += len(m.open)
		end = r.endOfName(i, m)
	} else if r.bareNames {
		end = r.endOfWord(i)
	}
	if end <= i {
		return false
	}
	for n := 0; end < len(r.in) && n < 8 && r.in[end] <= ' '; n++ {
		end++
	}
	rest := r.in[end:]
	return len(rest) == 0 || bytes.HasPrefix(rest, []byte("=>")) || rest[0] == ':' && !bytes.HasPrefix(rest, []byte("://"))
}

// endOfName returns the index behind the name in quotation marks that begins at i;
// i when it is none.
func (r *repairer) endOfName(i int, m *marks) int {
	for end := i; end < i+maxName; end++ {
		if end == len(r.in) {
			return end // it was cut off
		}
		if n := m.closing(r.in[end:]); n > 0 && end > i {
			return end + n
		}
		if r.in[end] == '\n' {
			return i
		}
	}
	return i
}

// escape reads a backslash in a string that began at start, and what it escapes.
// What is no escape in JSON is the backslash itself.
func (r *repairer) escape(start int, m *marks) {
	if r.i >= r.pathEnd {
		r.pathEnd = r.endOfPath(start)
	}
	rest := r.in[r.i+1:]
	if r.i < r.pathEnd {
		r.inPath(start, rest)
		return
	}
	r.i++
	switch {
	case len(rest) == 0: // cut off
	case bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0:
		r.out = append(r.out, '\\', rest[0])
		r.i++
	case rest[0] == 'u' && areHex(rest[1:], 4):
		r.out = append(append(r.out, '\\'), rest[:5]...)
		r.i += 5
	case rest[0] == 'x' && m.open == "'" && areHex(rest[1:], 2):
		r.out = fmt.Appendf(r.out, `\u00%s`, rest[1:3])
		r.i += 3
	case rest[0] == '\'' || rest[0] == '\n':
		r.out = appendEscaped(r.out, rest[0])
		r.i++
	case m.closing(rest) > 0:
		r.out = append(r.out, rest[:m.closing(rest)]...)
		r.i += m.closing(rest)
	default:
		r.out = append(r.out, `\\`...)
	}
}

// areHex reports whether b begins with n hexadecimal digits.
func areHex(b []byte, n int) bool {
	if len(b) < n {
		return false
	}
	for _, c := range b[:n] {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// maxPath is the length of the longest path that programs of Windows expect.
const maxPath = 260

// endOfPath tells whether the backslash at r.i belongs to a path of Windows that
// was not escaped, and returns where it ends; r.i when it does not.
func (r *repairer) endOfPath(start int) int {
	if !r.startsPath(start) {
		return r.i
	}
	broken := false
	end := r.i
	for ; end < min(len(r.in), r.i+maxPath) && r.in[end] > ' ' && r.in[end] != '"'; end++ {
		if r.in[end] != '\\' || end+1 >= len(r.in) {
			continue
		}
		next := r.in[end+1]
		if next == '\\' {
			end++
			continue
		}
		broken = broken || bytes.IndexByte([]byte(`"/bfnrt`), next) < 0 && !(next == 'u' && areHex(r.in[end+2:], 4))
	}
	if !broken {
		return r.i
	}
	return end
}

// startsPath reports whether the backslash at r.i stands behind a drive's letter and
// a colon, or is the first of two that begin a word.
func (r *repairer) startsPath(start int) bool {
	before := r.in[start:r.i]
	if n := len(before); n >= 2 && before[n-1] == ':' && before[n-2]|0x20 >= 'a' && before[n-2]|0x20 <= 'z' {
		return n == 2 || !isWord(before[n-3])
	}
	return r.startsShare(start)
}

// startsShare reports whether two backslashes at r.i begin a word, as in \\server.
func (r *repairer) startsShare(start int) bool {
	return (r.i == start || r.in[r.i-1] <= ' ') && bytes.HasPrefix(r.in[r.i:], []byte(`\\`)) && r.endOfWord(r.i+2) > r.i+2
}

// inPath reads a backslash of a path. Two may be one that was escaped, but for
// those at the start of a share's name.
func (r *repairer) inPath(start int, rest []byte) {
	share := r.startsShare(start)
	r.out = append(r.out, `\\`...)
	r.i++
	if len(rest) > 0 && rest[0] == '\\' {
		r.i++
		if share {
			r.out = append(r.out, `\\`...)
		}
	}
}
