// Package slack reads and writes the text of Slack messages: mrkdwn, Block Kit
// and the older attachments.
//
//	mrkdwn ────────▶ ParseText ────┐                ┌──▶ PrintText ───▶ mrkdwn
//	{text, blocks,                 ├─▶ Document ────┤
//	 attachments} ─▶ ParseMessage ─┘                └──▶ PrintMessage ▶ {text, blocks, attachments}
//
// Both parsers accept anything, in time linear in its length; what is no
// markup, or of a kind that is not known, is shown as text. Mentions keep
// Slack's ids. Facts about the format are from docs.slack.dev
// (messaging/formatting-message-text, reference/block-kit, legacy secondary
// message attachments) and, for what begins and ends a style, from the rules
// of Slack's own client.
//
// # What mrkdwn cannot say
//
// It has no way to escape a character but & < and >. A printer that must write
// "*" as text, or bold within a word, therefore puts characters beside it that
// nobody sees: a soft hyphen where a style must not begin or end, a zero width
// space where a word must end. The parser takes them out again, and printers
// double those that were there before.
//
// Deliberately elsewhere: everything of a message that is no text (its thread,
// author, channel and files), who is behind an id, and whom an author may
// mention.
package slack

// Slack's limits, in characters (UTF-16 units, to be safe) unless they say
// otherwise. Printers keep to those of one block; the length of a message is
// for the caller to keep to, with [markup.Split].
const (
	// TextLimit is what Slack recommends for the text of a message
	// (chat.postMessage).
	TextLimit = 4_000
	// MaxText is where Slack cuts off the text of a message.
	MaxText = 40_000
	// BlocksLimit is how much text all blocks of a message may hold; more is
	// refused as msg_blocks_too_long.
	BlocksLimit = 12_000
	// MaxBlocks is how many blocks a message or an attachment may have.
	MaxBlocks = 50
	// MaxAttachments is how many attachments a message may have.
	MaxAttachments = 100

	maxSectionField, maxSectionFields = 2_000, 10
	maxHeader                         = 150
	maxContext, maxContextElements    = 3_000, 10
	maxImageURL, maxImageText         = 3_000, 2_000
)
