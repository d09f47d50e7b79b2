package markup

import "time"

// Text is plain characters. None of them means anything: a Text of "*x*" shows
// the asterisks. Standard emoji are text as well, by their Unicode characters.
type Text string

// Code is characters shown as they are, in a fixed-width font, on one line.
type Code string

// Strong is text of importance, usually bold.
type Strong struct{ Content []Inline }

// Emphasis is stressed text, usually italic.
type Emphasis struct{ Content []Inline }

// Strike is text that no longer holds.
type Strike struct{ Content []Inline }

// Underline is underlined text.
type Underline struct{ Content []Inline }

// Spoiler is text that is hidden until the reader asks for it.
type Spoiler struct{ Content []Inline }

// Link leads to a URL. It holds no other link. Without content it shows its URL.
type Link struct {
	URL     string
	Title   string
	Content []Inline
}

// Mention addresses somebody, or names a channel. ID and Name are those of the
// product that the text comes from until a caller translates them; either may
// be empty.
type Mention struct {
	Target Target
	ID     string // stable: "U024BE7LH", a UUID
	Name   string // without "@" or "#"; of a broadcast one of its names below
}

// Target is what a Mention points at.
type Target string

// The targets of a mention.
const (
	TargetUser      Target = "user"
	TargetChannel   Target = "channel" // names it and notifies nobody
	TargetGroup     Target = "group"   // a user group or role
	TargetBroadcast Target = "broadcast"
)

// The names of a broadcast.
const (
	BroadcastHere     = "here"     // the members of the channel who are online
	BroadcastChannel  = "channel"  // the members of the channel
	BroadcastEveryone = "everyone" // everybody
)

// Emoji is an emoji that has no Unicode characters: a workspace's own, or one
// known by its shortcode only. A shortcode that [LookupEmoji] knows is Text.
type Emoji struct {
	Name     string // the shortcode without colons
	ID       string // of a custom emoji, where the product has one
	URL      string // its picture
	Animated bool
}

// Timestamp is a moment that each reader sees in their own time zone.
type Timestamp struct {
	Time   time.Time
	Format TimeFormat
	Text   string // how the sender would show it where this cannot be done; "": none
}

// TimeFormat is how much of a Timestamp is shown.
type TimeFormat string

// The formats, with Discord's letter for each.
const (
	FormatDateTime     TimeFormat = ""             // f: 20 April 2026 16:20
	FormatDateTimeLong TimeFormat = "dateTimeLong" // F: Monday, 20 April 2026 16:20
	FormatDate         TimeFormat = "date"         // d: 20/04/2026
	FormatDateLong     TimeFormat = "dateLong"     // D: 20 April 2026
	FormatTime         TimeFormat = "time"         // t: 16:20
	FormatTimeSeconds  TimeFormat = "timeSeconds"  // T: 16:20:30
	FormatRelative     TimeFormat = "relative"     // R: 2 months ago
)

// Break is a line break within a paragraph.
type Break struct{}

// Kind implements [Node].
func (Text) Kind() Kind { return KindText }

// Kind implements [Node].
func (Code) Kind() Kind { return KindCode }

// Kind implements [Node].
func (Strong) Kind() Kind { return KindStrong }

// Kind implements [Node].
func (Emphasis) Kind() Kind { return KindEmphasis }

// Kind implements [Node].
func (Strike) Kind() Kind { return KindStrike }

// Kind implements [Node].
func (Underline) Kind() Kind { return KindUnderline }

// Kind implements [Node].
func (Spoiler) Kind() Kind { return KindSpoiler }

// Kind implements [Node].
func (Link) Kind() Kind { return KindLink }

// Kind implements [Node].
func (Mention) Kind() Kind { return KindMention }

// Kind implements [Node].
func (Emoji) Kind() Kind { return KindEmoji }

// Kind implements [Node].
func (Timestamp) Kind() Kind { return KindTimestamp }

// Kind implements [Node].
func (Break) Kind() Kind { return KindBreak }

func (Text) inline()      {}
func (Code) inline()      {}
func (Strong) inline()    {}
func (Emphasis) inline()  {}
func (Strike) inline()    {}
func (Underline) inline() {}
func (Spoiler) inline()   {}
func (Link) inline()      {}
func (Mention) inline()   {}
func (Emoji) inline()     {}
func (Timestamp) inline() {}
func (Break) inline()     {}
