package dialects

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/nself-chat/hub"
)

// slackDialect is Slack's incoming webhooks: text, legacy attachments, and the
// text of blocks. Senders test the answer byte for byte: Alertmanager and
// Grafana count anything but "ok" as a failure.
func slackDialect(detect func(*Request) bool) *Dialect {
	return &Dialect{
		Name:    "slack",
		Detect:  detect,
		Parse:   parseSlack,
		Success: func(Posted) Answer { return Answer{http.StatusOK, "text/plain", []byte("ok")} },
		Failure: slackFailure,
	}
}

// hasSlackMarks reports whether something is there that only Slack's format has.
func hasSlackMarks(r *Request) bool {
	if r.Kind == KindPayload {
		return true
	}
	return r.Fields.Has("blocks", "icon_emoji", "mrkdwn", "thread_ts", "link_names", "unfurl_links", "unfurl_media", "response_type") ||
		hasLegacyAttachments(r.Fields.Get("attachments"))
}

// hasLegacyAttachments tells Slack's cards from nself-chat's files.
func hasLegacyAttachments(v Value) bool {
	for e := range v.Elements() {
		card := e.Object()
		return !card.Has("url") &&
			card.Has("fallback", "fields", "color", "pretext", "title", "title_link", "text", "image_url", "author_name", "blocks", "actions")
	}
	return false
}

func hasBareText(r *Request) bool { return r.Fields.Has("text") }

func parseSlack(r *Request) (Post, error) {
	if r.Fields == nil {
		p := Post{Content: slackLinks(r.Text)}
		err := finish(r, &p, nil)
		return p, err
	}
	var errs hub.FieldErrors
	f := fields{r.Fields, "", &errs}
	p := Post{
		Content:   slackLinks(f.text("text")),
		Username:  f.text("username"),
		AvatarURL: f.link("icon_url"),
	}
	if thread := f.text("thread_ts"); hub.ValidID(thread) {
		p.ThreadID = hub.MessageID(thread)
	}
	if strings.TrimSpace(p.Content) == "" {
		p.Content = slackLinks(blockText(f.Get("blocks")))
	}
	f.list("attachments", maxEmbeds, func(a fields) { slackAttachment(&p, a) })
	err := finish(r, &p, errs)
	return p, err
}

// slackAttachment adds a legacy attachment as an embed.
func slackAttachment(p *Post, f fields) {
	if pretext := f.text("pretext"); pretext != "" {
		p.Content = strings.TrimSpace(p.Content + "\n" + slackLinks(pretext))
	}
	e := hub.Embed{
		Title:       slackLinks(f.text("title")),
		Description: slackLinks(f.text("text")),
		URL:         f.link("title_link"),
		Color:       color(f.Get("color")),
		AuthorName:  f.text("author_name"),
		ImageURL:    f.link("image_url"),
		ThumbURL:    f.link("thumb_url"),
		Footer:      f.text("footer"),
		Timestamp:   moment(f.Get("ts")),
	}
	if e.Description == "" {
		e.Description = slackLinks(blockText(f.Get("blocks")))
	}
	f.list("fields", maxFields, func(f fields) {
		e.Fields = append(e.Fields, hub.EmbedField{
			Name: f.text("title"), Value: slackLinks(f.text("value")), Inline: f.flag("short"),
		})
	})
	if e.Title == "" && e.Description == "" && len(e.Fields) == 0 && e.ImageURL == "" {
		e.Description = slackLinks(f.text("fallback"))
	}
	if e.Title != "" || e.Description != "" || len(e.Fields) > 0 || e.ImageURL != "" || e.ThumbURL != "" {
		p.Embeds = append(p.Embeds, e)
	}
}

// blockText collects the text of Block Kit blocks, one line for each, whatever
// kinds of block they are.
func blockText(v Value) string {
	var lines []string
	for block := range v.Elements() {
		collectText(block.Object(), 0, &lines)
	}
	return strings.Join(lines, "\n")
}

// collectText walks an element: its text, and what is nested in the members
// in which blocks keep elements.
func collectText(o Object, depth int, lines *[]string) {
	if depth > 8 || len(*lines) >= 1000 {
		return
	}
	if v := o.Get("text"); v.IsObject() {
		collectText(v.Object(), depth+1, lines)
	} else if s, ok := v.Text(); ok && strings.TrimSpace(s) != "" {
		*lines = append(*lines, s)
	}
	for _, name := range []string{"elements", "fields"} {
		for e := range o.Get(name).Elements() {
			collectText(e.Object(), depth+1, lines)
		}
	}
}

// slackLinks turns Slack's <https://…|label> into Markdown. A bare <https://…>
// is Markdown already.
func slackLinks(s string) string {
	if !strings.Contains(s, "<http") && !strings.Contains(s, "<mailto:") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		// No further than the next mark: a text full of them is read once, not once for each.
		end := strings.IndexAny(rest, "<>\n")
		if end < 0 || rest[end] != '>' {
			b.WriteByte('<')
			s = rest
			continue
		}
		target, label, labelled := strings.Cut(rest[:end], "|")
		if !labelled || label == "" || !isLinkTarget(target) {
			b.WriteByte('<')
			s = rest
			continue
		}
		b.WriteByte('[')
		b.WriteString(labelEscaper.Replace(label))
		b.WriteString("](")
		b.WriteString(targetEscaper.Replace(target))
		b.WriteByte(')')
		s = rest[end+1:]
	}
}

var (
	labelEscaper  = strings.NewReplacer(`[`, `\[`, `]`, `\]`)
	targetEscaper = strings.NewReplacer(`(`, `%28`, `)`, `%29`, ` `, `%20`)
)

func isLinkTarget(s string) bool { return IsWebURL(s) || strings.HasPrefix(s, "mailto:") }

// slackFailure answers with Slack's plain tokens, and with Slack's JSON when
// there were too many requests ("Rate limits").
func slackFailure(f *Failure) Answer {
	status := f.Status()
	if f.Verdict == ChannelArchived {
		status = http.StatusGone
	}
	if f.Verdict == RateLimited {
		seconds := int(math.Ceil(f.RetryAfter.Seconds()))
		return Answer{status, "application/json", []byte(`{"retry_after":` + strconv.Itoa(seconds) + `,"ok":false,"error":"rate_limited"}`)}
	}
	return Answer{status, "text/plain", []byte(f.meaning().slack)}
}
