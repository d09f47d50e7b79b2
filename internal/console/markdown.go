package console

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// markdown turns a message's Markdown into HTML. It is safe for concurrent use.
//
// HTML in a message is text like any other: the parsers for it are left out,
// so there is nothing to sanitize. Links and images go through linkRenderer.
// Cell alignment is an attribute because the Content-Security-Policy forbids
// style attributes.
var markdown = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)),
	goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.Strikethrough,
		extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http:", "https:", "mailto:"})),
	),
	goldmark.WithRendererOptions(
		html.WithHardWraps(), // in a chat a line break is a line break
		renderer.WithNodeRenderers(util.Prioritized(linkRenderer{}, 100)),
	),
)

// render returns the HTML of Markdown. It cannot fail: text that is no
// Markdown is text.
func render(source string) string {
	if tooComplex(source) {
		return plainHTML(source)
	}
	var b bytes.Buffer
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return plainHTML(source)
	}
	return b.String()
}

// linkRenderer writes the nodes that could lead a reader elsewhere, and
// headings, which must not disturb the outline of the page.
type linkRenderer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (l linkRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindLink, l.link)
	reg.Register(ast.KindAutoLink, l.autoLink)
	reg.Register(ast.KindImage, l.image)
	reg.Register(ast.KindHeading, l.heading)
}

// linkAttributes belong to every link in a message: it opens beside the chat,
// learns nothing about it, and gains no rank.
const linkAttributes = `" rel="noopener nofollow" target="_blank"`

func (linkRenderer) link(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Link)
	if !safeLink(string(n.Destination)) {
		return ast.WalkContinue, nil // its text stays
	}
	if !entering {
		_, _ = w.WriteString("</a>")
		return ast.WalkContinue, nil
	}
	openLink(w, n.Destination)
	if n.Title != nil {
		_, _ = w.WriteString(` title="`)
		html.DefaultWriter.Write(w, n.Title)
		_ = w.WriteByte('"')
	}
	_ = w.WriteByte('>')
	return ast.WalkContinue, nil
}

func (linkRenderer) autoLink(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.AutoLink)
	target, label := n.URL(source), util.EscapeHTML(n.Label(source))
	if n.AutoLinkType == ast.AutoLinkEmail && !bytes.HasPrefix(bytes.ToLower(target), []byte("mailto:")) {
		target = append([]byte("mailto:"), target...)
	}
	if !safeLink(string(target)) {
		_, _ = w.Write(label)
		return ast.WalkContinue, nil
	}
	openLink(w, target)
	_ = w.WriteByte('>')
	_, _ = w.Write(label)
	_, _ = w.WriteString("</a>")
	return ast.WalkContinue, nil
}

// image shows images that the Content-Security-Policy lets load; of others the
// description stays, as a link where there is one.
func (linkRenderer) image(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.Image)
	switch {
	case safeImage(string(n.Destination)):
		_, _ = w.WriteString(`<img loading="lazy" src="`)
		_, _ = w.Write(escapeURL(n.Destination))
		_, _ = w.WriteString(`" alt="`)
		writeText(w, n, source)
		_, _ = w.WriteString(`">`)
	case safeLink(string(n.Destination)):
		openLink(w, n.Destination)
		_ = w.WriteByte('>')
		writeText(w, n, source)
		_, _ = w.WriteString("</a>")
	default:
		writeText(w, n, source)
	}
	return ast.WalkSkipChildren, nil
}

// heading writes all headings as the lowest levels: the page has the others.
func (linkRenderer) heading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := "h6"
	switch node.(*ast.Heading).Level {
	case 1:
		tag = "h4"
	case 2:
		tag = "h5"
	}
	if entering {
		_, _ = w.WriteString("<" + tag + ">")
	} else {
		_, _ = w.WriteString("</" + tag + ">\n")
	}
	return ast.WalkContinue, nil
}

func openLink(w util.BufWriter, target []byte) {
	_, _ = w.WriteString(`<a href="`)
	_, _ = w.Write(escapeURL(target))
	_, _ = w.WriteString(linkAttributes)
}

func escapeURL(u []byte) []byte { return util.EscapeHTML(util.URLEscape(u, true)) }

// writeText writes the text below a node, without its formatting.
func writeText(w util.BufWriter, n ast.Node, source []byte) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			html.DefaultWriter.Write(w, n.Segment.Value(source))
		case *ast.String:
			html.DefaultWriter.Write(w, n.Value)
		}
		return ast.WalkContinue, nil
	})
}

// safeLink reports whether a link in a message may lead there: to the web or
// to a mailbox. Everything else would run something (javascript:), read
// something (file:), or point into the hub itself.
func safeLink(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	default:
		return false
	}
}

// safeImage reports whether an image may be loaded from there: the
// Content-Security-Policy would refuse it otherwise, loudly.
func safeImage(target string) bool {
	u, err := url.Parse(target)
	return err == nil && strings.EqualFold(u.Scheme, "https") && u.Host != ""
}
