// Package markup is the text of messages: one typed document model, and a
// parser and a printer for each dialect in which people and programs write.
//
//	Slack ─┐                                    ┌─▶ Slack
//	Discord┤ parse ─▶ Document ─▶ Normal ─▶ … ──┤   Discord
//	HTML ──┤             │  Defuse, Split        │   HTML for pages
//	GFM ───┘             └─▶ versioned JSON      └─▶ GFM, plain text
//
// A [Document] is a list of blocks, which hold blocks or inlines. Its nodes are
// values: a tree is built once, never changed in place, and may be shared
// between goroutines. Every function here is safe for concurrent use.
//
// [Normal] brings a tree into the form that all parsers deliver and all
// printers rely on; [Equal] compares by it. What a destination cannot show is
// shown in another way and recorded as a [Degradation], never dropped.
//
// A dialect is two functions, in a file of this package when the chat itself
// needs it (markdown, html, plain) and in a package below this one otherwise:
//
//	func Parse(source string) markup.Document
//	func Print(d markup.Document) (string, markup.Degradations)
//
// A parser accepts anything, in time linear in its length; what is no markup
// is text. A printer writes text so that its own parser reads the same text
// back: nothing in a text, link or name can turn into markup or a mention.
// Package markuptest holds the properties that each dialect is tested for.
//
// Deliberately elsewhere: fetching anything, who is meant by a name (a caller
// maps mentions with [MapInlines]), which mentions an author may use, and the
// payloads of products, of which the text is only a part.
package markup
