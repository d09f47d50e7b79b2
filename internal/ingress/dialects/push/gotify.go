package push

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// Gotify is the dialect of Gotify's messages: a title, a message and a priority, and
// in the extras a link, a picture, and whether the message is Markdown.
var Gotify = base(dialect.Dialect{
	Name: "gotify", Title: "Gotify", Detect: detectGotify, Parse: parseGotify, Success: gotifySuccess, Failure: gotifyFailure,
})

var gotifyFields = map[string]bool{"title": true, "message": true, "priority": true, "extras": true, "token": true}

func detectGotify(r *dialect.Request) string {
	switch f := r.Fields; {
	case !f.Has("message"):
		return ""
	case r.Header.Get("X-Gotify-Key") != "":
		return "the header X-Gotify-Key"
	case f.Has("priority", "extras") && onlyFields(f, gotifyFields):
		return "the fields message and priority"
	}
	return ""
}

func parseGotify(r *dialect.Request) (dialect.Post, error) {
	if r.Method != "" && r.Method != "message" {
		return dialect.Post{}, &dialect.Failure{Verdict: dialect.NotFound, Detail: "There is no such method here, only message."}
	}
	f := r.Fields
	c := markup.Card{
		Title:  dialect.Line(dialect.Txt(dialect.FirstLine(f.Str("title")))),
		URL:    f.URL("extras", "client::notification", "click", "url"),
		Blocks: dialect.Plain(f.Str("message")),
	}
	if f.Str("extras", "client::display", "contentType") == "text/markdown" {
		c.Blocks = dialect.Markdown(f.Str("message"))
	}
	if url := f.URL("extras", "client::notification", "bigImageUrl"); url != "" {
		c.Blocks = append(c.Blocks, markup.Image{URL: url})
	}
	if (markup.Document{Blocks: c.Blocks}).IsEmpty() && markup.PlainInline(c.Title) == "" {
		return dialect.Post{}, dialect.Nothing()
	}
	if priority := f.Str("priority"); priority != "" && priority != "0" {
		c.Footer = dialect.Line(dialect.Txt("Priority " + priority)) // of good news, too: it is no colour
	}
	p := dialect.Post{Doc: dialect.Say(c), Uploads: r.Uploads}
	return p, r.Finish(&p, nil)
}

func gotifySuccess(r *dialect.Request, p dialect.Posted) dialect.Answer {
	priority, _ := strconv.Atoi(r.Fields.Str("priority"))
	return answer(http.StatusOK, struct {
		ID       int64           `json:"id"`
		App      int             `json:"appid"`
		Message  string          `json:"message"`
		Title    string          `json:"title"`
		Priority int             `json:"priority"`
		Extras   json.RawMessage `json:"extras,omitempty"`
		Date     time.Time       `json:"date"`
	}{
		number(p.Message.CreatedAt), 1, r.Fields.Str("message"), r.Fields.Str("title"), priority,
		json.RawMessage(r.Fields.Get("extras")), p.Message.CreatedAt.UTC(),
	})
}

func gotifyFailure(f *dialect.Failure) dialect.Answer {
	return answer(f.Status(), struct {
		Error       string `json:"error"`
		Code        int    `json:"errorCode"`
		Description string `json:"errorDescription"`
	}{http.StatusText(f.Status()), f.Status(), f.Detail})
}
