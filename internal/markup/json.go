package markup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the version of the JSON encoding that is written. A later one may
// add kinds, which carry a "fallback", and members; it changes no meaning.
const Version = 1

// maxInlineDepth bounds how deep the JSON decoder follows inlines; a normal
// document has at most seven levels.
const maxInlineDepth = 64

var errNotDocument = errors.New("markup: not a document")

// wire is a node in JSON. Text is a JSON string instead.
type wire struct {
	Type     Kind      `json:"type"`
	Level    int       `json:"level,omitempty"`
	Ordered  bool      `json:"ordered,omitempty"`
	Start    *int      `json:"start,omitempty"`
	Task     Task      `json:"task,omitempty"`
	Language string    `json:"language,omitempty"`
	Text     string    `json:"text,omitempty"`
	Align    []Align   `json:"align,omitempty"`
	Header   [][]any   `json:"header,omitempty"`
	Rows     [][][]any `json:"rows,omitempty"`
	Items    []wire    `json:"items,omitempty"`

	URL      string     `json:"url,omitempty"`
	Alt      string     `json:"alt,omitempty"`
	Target   Target     `json:"target,omitempty"`
	ID       string     `json:"id,omitempty"`
	Name     string     `json:"name,omitempty"`
	Animated bool       `json:"animated,omitempty"`
	Time     string     `json:"time,omitempty"`
	Format   TimeFormat `json:"format,omitempty"`
	Fallback string     `json:"fallback,omitempty"`

	Color         Color       `json:"color,omitempty"`
	Author        *wireAuthor `json:"author,omitempty"`
	Title         any         `json:"title,omitempty"` // of a link or an image a string, else inlines
	Short         bool        `json:"short,omitempty"`
	Thumbnail     *wire       `json:"thumbnail,omitempty"`
	Footer        []any       `json:"footer,omitempty"`
	FooterIconURL string      `json:"footerIconUrl,omitempty"`

	Content []any `json:"content,omitempty"` // inlines
	Blocks  []any `json:"blocks,omitempty"`
}

type wireAuthor struct {
	Name    string `json:"name,omitempty"`
	URL     string `json:"url,omitempty"`
	IconURL string `json:"iconUrl,omitempty"`
}

// MarshalJSON implements [json.Marshaler]. Equal documents have equal encodings
// when they are normal.
func (d Document) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Version int   `json:"v"`
		Blocks  []any `json:"blocks"`
	}{Version, wireBlocks(d.Blocks)})
	if err != nil {
		return nil, fmt.Errorf("markup: encode document: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func wireBlocks(blocks []Block) []any {
	out := make([]any, len(blocks))
	for i, b := range blocks {
		out[i] = wireBlock(b)
	}
	return out
}

func wireBlock(b Block) any {
	w := wire{Type: b.Kind()}
	switch b := b.(type) {
	case Paragraph:
		w.Content = wireInlines(b.Content)
	case Heading:
		w.Level, w.Content = b.Level, wireInlines(b.Content)
	case Context:
		w.Content = wireInlines(b.Content)
	case Quote:
		w.Blocks = wireBlocks(b.Blocks)
	case List:
		if w.Ordered = b.Ordered; b.Ordered {
			w.Start = &b.Start
		}
		for _, item := range b.Items {
			w.Items = append(w.Items, wire{Type: "item", Task: item.Task, Blocks: wireBlocks(item.Blocks)})
		}
	case CodeBlock:
		w.Language, w.Text = b.Language, b.Text
	case Table:
		w.Align, w.Header = b.Align, wireRow(b.Header)
		for _, row := range b.Rows {
			w.Rows = append(w.Rows, wireRow(row))
		}
	case Image:
		return wireImage(b)
	case Fields:
		for _, f := range b.Fields {
			w.Items = append(w.Items, wire{
				Type: "field", Title: wireTitle(f.Title), Blocks: wireBlocks(f.Value), Short: f.Short,
			})
		}
	case Card:
		wireCard(&w, b)
	case Unknown:
		return wireUnknown(b)
	}
	return w
}

func wireRow(r Row) [][]any {
	out := make([][]any, len(r))
	for i, cell := range r {
		out[i] = wireInlines(cell)
	}
	return out
}

// wireTitle keeps an empty title out of the encoding.
func wireTitle(content []Inline) any {
	if len(content) == 0 {
		return nil
	}
	return wireInlines(content)
}

func wireCard(w *wire, c Card) {
	w.Color, w.URL, w.Title = c.Color, c.URL, wireTitle(c.Title)
	w.Blocks, w.Footer, w.FooterIconURL = wireBlocks(c.Blocks), wireInlines(c.Footer), c.FooterIconURL
	if c.Author != (CardAuthor{}) {
		w.Author = &wireAuthor{c.Author.Name, c.Author.URL, c.Author.IconURL}
	}
	if c.Thumbnail != (Image{}) {
		img := wireImage(c.Thumbnail)
		w.Thumbnail = &img
	}
	if !c.Time.IsZero() {
		w.Time = c.Time.UTC().Format(time.RFC3339Nano)
	}
}

func wireImage(n Image) wire {
	w := wire{Type: KindImage, URL: n.URL, Alt: n.Alt}
	if n.Title != "" {
		w.Title = n.Title
	}
	return w
}

func wireUnknown(n Unknown) any {
	if json.Valid([]byte(n.JSON)) {
		return json.RawMessage(n.JSON)
	}
	return wire{Type: n.Name, Fallback: n.Fallback}
}

func wireInlines(content []Inline) []any {
	out := make([]any, len(content))
	for i, n := range content {
		out[i] = wireInline(n)
	}
	return out
}

func wireInline(n Inline) any {
	w := wire{Type: n.Kind()}
	switch n := n.(type) {
	case Text:
		return string(n)
	case Code:
		w.Text = string(n)
	case Link:
		w.URL, w.Content = n.URL, wireInlines(n.Content)
		if n.Title != "" {
			w.Title = n.Title
		}
	case Mention:
		w.Target, w.ID, w.Name = n.Target, n.ID, n.Name
	case Emoji:
		w.Name, w.ID, w.URL, w.Animated = n.Name, n.ID, n.URL, n.Animated
	case Timestamp:
		w.Time, w.Format, w.Text = n.Time.UTC().Format(time.RFC3339), n.Format, n.Text
	case Image:
		return wireImage(n)
	case Unknown:
		return wireUnknown(n)
	default:
		w.Content = wireInlines(Children(n))
	}
	return w
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads documents of every
// version: what it does not know becomes Unknown with its fallback. Members
// that are missing or of another type count as empty. It refuses documents
// beyond [MaxNodes], [MaxBytes] and 64 levels of inlines; blocks may be
// 4 × [MaxDepth] deep. The result is normal.
func (d *Document) UnmarshalJSON(data []byte) error {
	if len(data) > MaxBytes {
		return fmt.Errorf("markup: document of more than %d bytes", MaxBytes)
	}
	var top map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&top); err != nil {
		return fmt.Errorf("markup: decode document: %w", err)
	}
	if _, ok := top["blocks"].([]any); !ok {
		return errNotDocument
	}
	r := reader{nodes: MaxNodes}
	blocks := r.blocks(object(top), "blocks", 4*MaxDepth)
	if r.err != nil {
		return r.err
	}
	*d = Normal(Document{Blocks: blocks})
	return nil
}

// reader builds nodes out of decoded JSON.
type reader struct {
	nodes int // how many more are allowed
	err   error
}

// object is a JSON object whose members may be of any type.
type object map[string]any

func (o object) str(name string) string { s, _ := o[name].(string); return s }
func (o object) is(name string) bool    { b, _ := o[name].(bool); return b }
func (o object) list(name string) []any { l, _ := o[name].([]any); return l }

func (o object) object(name string) object {
	m, _ := o[name].(map[string]any)
	return m
}

func (o object) number(name string) int {
	n, _ := o[name].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func (o object) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, o.str(name))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// enter counts a node and reports whether it may be read.
func (r *reader) enter(depth int) bool {
	if r.nodes--; r.nodes < 0 || depth <= 0 {
		r.err = errors.New("markup: document with too many nodes, or nested too deeply")
	}
	return r.err == nil
}

func (r *reader) blocks(o object, name string, depth int) []Block {
	list := o.list(name)
	out := make([]Block, 0, len(list))
	for _, item := range list {
		if m, ok := item.(map[string]any); ok && r.enter(depth) {
			out = append(out, r.block(m, depth-1))
		}
	}
	return out
}

func (r *reader) block(o object, depth int) Block {
	switch Kind(o.str("type")) {
	case KindParagraph:
		return Paragraph{Content: r.inlines(o.list("content"), maxInlineDepth)}
	case KindHeading:
		return Heading{Level: o.number("level"), Content: r.inlines(o.list("content"), maxInlineDepth)}
	case KindContext:
		return Context{Content: r.inlines(o.list("content"), maxInlineDepth)}
	case KindQuote:
		return Quote{Blocks: r.blocks(o, "blocks", depth)}
	case KindList:
		l := List{Ordered: o.is("ordered"), Start: o.number("start")}
		for item := range r.objects(o, "items") {
			l.Items = append(l.Items, ListItem{Task: Task(item.str("task")), Blocks: r.blocks(item, "blocks", depth)})
		}
		return l
	case KindCodeBlock:
		return CodeBlock{Language: o.str("language"), Text: o.str("text")}
	case KindRule:
		return Rule{}
	case KindTable:
		return r.table(o)
	case KindImage:
		return image(o)
	case KindFields:
		var f Fields
		for item := range r.objects(o, "items") {
			f.Fields = append(f.Fields, Field{
				Title: r.inlines(item.list("title"), maxInlineDepth),
				Value: r.blocks(item, "blocks", depth),
				Short: item.is("short"),
			})
		}
		return f
	case KindCard:
		return r.card(o, depth)
	}
	return unknown(o)
}

// objects yields the objects of a list, each counted as a node.
func (r *reader) objects(o object, name string) func(func(object) bool) {
	return func(yield func(object) bool) {
		for _, item := range o.list(name) {
			if m, ok := item.(map[string]any); ok && (!r.enter(1) || !yield(m)) {
				return
			}
		}
	}
}

func (r *reader) table(o object) Table {
	var t Table
	for _, a := range o.list("align") {
		s, _ := a.(string)
		t.Align = append(t.Align, Align(s))
	}
	t.Header = r.row(o.list("header"))
	for _, row := range o.list("rows") {
		cells, _ := row.([]any)
		t.Rows = append(t.Rows, r.row(cells))
	}
	return t
}

func (r *reader) row(cells []any) Row {
	row := make(Row, 0, len(cells))
	for _, cell := range cells {
		if !r.enter(1) {
			break
		}
		content, _ := cell.([]any)
		row = append(row, r.inlines(content, maxInlineDepth))
	}
	return row
}

func (r *reader) card(o object, depth int) Card {
	author := o.object("author")
	return Card{
		Color:         Color(o.str("color")),
		Author:        CardAuthor{Name: author.str("name"), URL: author.str("url"), IconURL: author.str("iconUrl")},
		Title:         r.inlines(o.list("title"), maxInlineDepth),
		URL:           o.str("url"),
		Blocks:        r.blocks(o, "blocks", depth),
		Thumbnail:     image(o.object("thumbnail")),
		Footer:        r.inlines(o.list("footer"), maxInlineDepth),
		FooterIconURL: o.str("footerIconUrl"),
		Time:          o.time("time"),
	}
}

func image(o object) Image {
	return Image{URL: o.str("url"), Alt: o.str("alt"), Title: o.str("title")}
}

func (r *reader) inlines(list []any, depth int) []Inline {
	out := make([]Inline, 0, len(list))
	for _, item := range list {
		if !r.enter(depth) {
			break
		}
		switch item := item.(type) {
		case string:
			out = append(out, Text(item))
		case map[string]any:
			out = append(out, r.inline(item, depth-1))
		}
	}
	return out
}

func (r *reader) inline(o object, depth int) Inline {
	switch kind := Kind(o.str("type")); kind {
	case KindCode:
		return Code(o.str("text"))
	case KindStrong:
		return Strong{r.inlines(o.list("content"), depth)}
	case KindEmphasis:
		return Emphasis{r.inlines(o.list("content"), depth)}
	case KindStrike:
		return Strike{r.inlines(o.list("content"), depth)}
	case KindUnderline:
		return Underline{r.inlines(o.list("content"), depth)}
	case KindSpoiler:
		return Spoiler{r.inlines(o.list("content"), depth)}
	case KindLink:
		return Link{URL: o.str("url"), Title: o.str("title"), Content: r.inlines(o.list("content"), depth)}
	case KindMention:
		return Mention{Target: Target(o.str("target")), ID: o.str("id"), Name: o.str("name")}
	case KindEmoji:
		return Emoji{Name: o.str("name"), ID: o.str("id"), URL: o.str("url"), Animated: o.is("animated")}
	case KindTimestamp:
		return Timestamp{Time: o.time("time"), Format: TimeFormat(o.str("format")), Text: o.str("text")}
	case KindBreak:
		return Break{}
	case KindImage:
		return image(o)
	}
	return unknown(o)
}

// unknown keeps a node that this version does not know. Without a fallback its
// text is what it has under "text".
func unknown(o object) Unknown {
	n := Unknown{Name: Kind(o.str("type")), Fallback: o.str("fallback")}
	if n.Fallback == "" {
		n.Fallback = o.str("text")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(o) == nil { // what was decoded can be encoded
		n.JSON = string(bytes.TrimSpace(b.Bytes()))
	}
	return n
}

// isKnown reports whether nodes of this name have a type of their own, or
// could have none.
func isKnown(name Kind) bool {
	switch name {
	case "", KindParagraph, KindHeading, KindQuote, KindList, KindCodeBlock, KindRule, KindTable, KindFields, KindContext,
		KindCard, KindText, KindStrong, KindEmphasis, KindStrike, KindUnderline, KindSpoiler, KindCode, KindLink,
		KindMention, KindEmoji, KindTimestamp, KindBreak, KindImage:
		return true
	}
	return false
}
