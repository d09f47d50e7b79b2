package slack

// Message is the content of a message as Slack takes it: of an incoming
// webhook, chat.postMessage or chat.update. Names and meanings are Slack's.
type Message struct {
	Text        string       `json:"text,omitempty"` // with blocks: what notifications show
	Blocks      []Block      `json:"blocks,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// Block is a layout block: header, section, context, image, divider or rich_text.
type Block struct {
	Type     string       `json:"type"`
	Text     *TextObject  `json:"text,omitempty"`
	Fields   []TextObject `json:"fields,omitempty"`
	Elements []Element    `json:"elements,omitempty"`
	ImageURL string       `json:"image_url,omitempty"`
	AltText  string       `json:"alt_text,omitempty"`
	Title    *TextObject  `json:"title,omitempty"`
}

// TextObject is text in a block.
type TextObject struct {
	Type  string `json:"type"` // mrkdwn or plain_text
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"` // of plain_text: shortcodes are emoji
}

// Element is an element of a context or rich_text block, or of another element.
type Element struct {
	Type        string    `json:"type"`
	Text        string    `json:"text,omitempty"`
	URL         string    `json:"url,omitempty"`
	Name        string    `json:"name,omitempty"`
	UserID      string    `json:"user_id,omitempty"`
	ChannelID   string    `json:"channel_id,omitempty"`
	UsergroupID string    `json:"usergroup_id,omitempty"`
	Range       string    `json:"range,omitempty"`
	Timestamp   *int64    `json:"timestamp,omitempty"`
	Format      string    `json:"format,omitempty"`
	Fallback    string    `json:"fallback,omitempty"`
	Style       any       `json:"style,omitempty"` // a *TextStyle; of a list "bullet" or "ordered"
	Elements    []Element `json:"elements,omitempty"`
	Indent      int       `json:"indent,omitempty"`
	Offset      int       `json:"offset,omitempty"`
	Border      int       `json:"border,omitempty"`
	Language    string    `json:"language,omitempty"`
	ImageURL    string    `json:"image_url,omitempty"`
	AltText     string    `json:"alt_text,omitempty"`
}

// TextStyle is how the text of an element of a rich_text block is shown.
type TextStyle struct {
	Bold      bool `json:"bold,omitempty"`
	Italic    bool `json:"italic,omitempty"`
	Strike    bool `json:"strike,omitempty"`
	Underline bool `json:"underline,omitempty"`
	Code      bool `json:"code,omitempty"`
}

// Attachment is one of the older attachments, with its own parts or with blocks.
type Attachment struct {
	Fallback   string            `json:"fallback,omitempty"`
	Color      string            `json:"color,omitempty"`
	Pretext    string            `json:"pretext,omitempty"`
	AuthorName string            `json:"author_name,omitempty"`
	AuthorLink string            `json:"author_link,omitempty"`
	AuthorIcon string            `json:"author_icon,omitempty"`
	Title      string            `json:"title,omitempty"`
	TitleLink  string            `json:"title_link,omitempty"`
	Text       string            `json:"text,omitempty"`
	Fields     []AttachmentField `json:"fields,omitempty"`
	ImageURL   string            `json:"image_url,omitempty"`
	ThumbURL   string            `json:"thumb_url,omitempty"`
	Footer     string            `json:"footer,omitempty"`
	FooterIcon string            `json:"footer_icon,omitempty"`
	Timestamp  int64             `json:"ts,omitempty"` // seconds since 1970
	MrkdwnIn   []string          `json:"mrkdwn_in,omitempty"`
	Blocks     []Block           `json:"blocks,omitempty"`
}

// AttachmentField is one labelled value of an Attachment.
type AttachmentField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short,omitempty"`
}
