// Package discord translates Discord's Markdown, embeds and components into the
// document model of package markup, and back.
//
//	ParseText, ParseMessage   Discord ─▶ markup.Document
//	PrintText                 markup.Document ─▶ content of a message
//	PrintMessages             markup.Document ─▶ content and embeds, in as many messages as it takes
//
// Discord's Markdown is no CommonMark. Its clients try a list of patterns at
// each character, and the first one that matches takes the text up to its end:
// a style wins over a block that begins within it, a quote ends with its last
// marked line and holds no other quote, a list ends with the first line that is
// not indented, and nothing is a list, heading or code by its indentation alone.
// What is said about it comes from Discord's reference ("Message Formatting"),
// its Markdown Text 101 article, and the behaviour of its clients.
//
// U+200B, which nobody sees, separates what Discord would read as one: it
// stands behind the "@" of an "@everyone" that is meant as text. The printer
// writes it for that only, and a text's own twice where it could be taken for
// one; the parser leaves it out again.
//
// Deliberately elsewhere: attachments (they are files, not text), the message
// that a reply answers, sending anything, and translating IDs of people and
// channels into those of the chat.
package discord

// Discord's limits, in Unicode code points: its API counts those (a developer
// of Discord in discord-api-docs#1315). White space at both ends is trimmed
// before and does not count.
const (
	MaxContent     = 2000 // of a message's content
	MaxEmbeds      = 10   // in a message
	MaxEmbedTotal  = 6000 // of all texts in all embeds of a message
	MaxTitle       = 256
	MaxDescription = 4096
	MaxFields      = 25 // in an embed
	MaxFieldName   = 256
	MaxFieldValue  = 1024
	MaxFooter      = 2048
	MaxAuthor      = 256
	MaxURL         = 2048 // of any URL in an embed
	MaxMentions    = 100  // users, and roles, that a message can allow
)

// separator is U+200B, ZERO WIDTH SPACE.
const separator = "\u200b"
