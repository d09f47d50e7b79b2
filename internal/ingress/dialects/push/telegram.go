package push

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Telegram is the dialect of Telegram's Bot API: sendMessage, and the methods that
// send a file with a caption.
var Telegram = &dialect.Dialect{
	Name: "telegram", Title: "Telegram", Detect: detectTelegram, Parse: parseTelegram, Success: telegramSuccess, Failure: telegramFailure,
}

// telegramFiles are the fields with a file's address.
var telegramFiles = []string{"photo", "document", "video", "audio", "animation", "voice"}

func detectTelegram(r *dialect.Request) string {
	f := r.Fields
	switch {
	case !f.Has("chat_id"):
		return ""
	case f.Has("text"):
		return "the fields chat_id and text"
	case f.Has(telegramFiles...) || len(r.Uploads) > 0:
		return "the field chat_id, and a file"
	}
	return ""
}

func parseTelegram(r *dialect.Request) (dialect.Post, error) {
	f := r.Fields
	p := dialect.Post{Uploads: r.Uploads, NoMentions: f.Flag("disable_notification")}
	p.Doc.Blocks = telegramText(f.First("text", "caption"), f.Str("parse_mode"))
	for _, name := range telegramFiles {
		url := f.URL(name)
		switch {
		case url == "":
		case name == "photo":
			p.Doc.Blocks = append(p.Doc.Blocks, markup.Image{URL: url})
		default:
			n := note{attach: url}
			p.Files = append(p.Files, hub.Attachment{URL: url, Filename: n.file()})
		}
	}
	p.Doc.Blocks = append(p.Doc.Blocks, keyboard(f.Get("reply_markup"), &p.Losses)...)
	return p, r.Finish(&p, nil)
}

// telegramText reads a text in one of Telegram's three markups, or in none.
func telegramText(text, mode string) []markup.Block {
	switch strings.ToLower(mode) {
	case "html":
		return markup.ParseHTML(withBreaks(text)).Blocks
	case "markdown", "markdownv2":
		return markup.ParseHTML(withBreaks(markdownHTML(text))).Blocks
	}
	return dialect.Plain(text)
}

// withBreaks makes elements of the line feeds, which count in Telegram's HTML, but not
// within <pre>.
func withBreaks(s string) string {
	var b strings.Builder
	for s != "" {
		before, pre, found := strings.Cut(s, "<pre")
		b.WriteString(strings.ReplaceAll(before, "\n", "<br>"))
		if !found {
			break
		}
		inner, rest, closed := strings.Cut(pre, "</pre>")
		b.WriteString("<pre" + inner)
		if closed {
			b.WriteString("</pre>")
		}
		s = strings.TrimPrefix(rest, "\n")
	}
	return b.String()
}

// keyboard shows the buttons below a message that lead somewhere, and names the others.
func keyboard(v dialect.Value, lost *markup.Degradations) []markup.Block {
	if s := v.Str(); s != "" { // in forms it is JSON in a string
		parsed, err := dialect.ParseJSON([]byte(s))
		if err != nil {
			return nil
		}
		v = parsed
	}
	var actions []action
	for row := range v.At("inline_keyboard").Elements() {
		for e := range row.Elements() {
			if o := e.Object(); len(actions) < dialect.MaxFields {
				actions = append(actions, action{kind: "view", label: o.Str("text"), url: o.URL("url")})
			}
		}
	}
	return buttons(actions, lost)
}

type telegramChat struct {
	ID       int64  `json:"id"`
	Type     string `json:"type"`
	Title    string `json:"title,omitempty"`
	Username string `json:"username,omitempty"`
}

func telegramSuccess(r *dialect.Request, p dialect.Posted) dialect.Answer {
	chat := telegramChat{Type: "channel", Title: string(p.Message.ChannelID)}
	id := r.Fields.Str("chat_id")
	var err error
	if chat.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
		chat.Username = strings.TrimPrefix(id, "@")
	}
	return answer(http.StatusOK, struct {
		OK     bool `json:"ok"`
		Result any  `json:"result"`
	}{true, struct {
		ID      int64        `json:"message_id"`
		Date    int64        `json:"date"`
		Chat    telegramChat `json:"chat"`
		Text    string       `json:"text,omitempty"`
		Caption string       `json:"caption,omitempty"`
	}{number(p.Message.CreatedAt), p.Message.CreatedAt.Unix(), chat, r.Fields.Str("text"), r.Fields.Str("caption")}})
}

func telegramFailure(f *dialect.Failure) dialect.Answer {
	type parameters struct {
		RetryAfter int `json:"retry_after"`
	}
	body := struct {
		OK          bool        `json:"ok"`
		Code        int         `json:"error_code"`
		Description string      `json:"description"`
		Parameters  *parameters `json:"parameters,omitempty"`
	}{Code: f.Status(), Description: sentence(f)}
	if f.Verdict == dialect.RateLimited {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		body.Description = "Too Many Requests: retry after " + strconv.Itoa(seconds)
		body.Parameters = &parameters{seconds}
	}
	return answer(f.Status(), body)
}
