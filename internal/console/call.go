package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/control"
	"github.com/nself-chat/hub/internal/server"
)

// One call of an incoming webhook: what came, what was answered, what became of
// it, and what a field mapping would make of it.

// callPageView is everything that callPage shows.
type callPageView struct {
	Sidebar sidebarView
	Title   string
	Webhook string // path
	Verdict verdictView
	Reason  reasonView
	Facts   []fact
	Time    timeView
	Error   string
	Replay  string // where the form leads; "": it cannot be replayed

	HasBody bool
	NoBody  string // why there is none
	Size    string // how much of the body is kept
	Body    payload
	Headers []fact
	Answer  string

	Message     *messageView // nil: there is none, or none that the viewer sees
	MessageNote string       // why, or that the message says something else now
	Mapping     mappingView
}

// mappingView is the form of the field mapping, with what it makes of the call.
type mappingView struct {
	Call    string // path of the call's page
	Version string // that the form was filled from
	Fields  []mappingField
	Note    string // why it does not apply to this call
	Saved   bool
	Stale   bool // somebody changed it since the form was filled
	Error   string
	Preview *previewView
}

type mappingField struct {
	Name, Label, Help, Value string
	Error                    string
	Long                     bool // of several lines
}

type previewView struct {
	Message messageView
	Facts   []fact
}

// keyTemplate is the field of the form that is not of the field map: it says of
// known senders, too, what their calls are about.
const keyTemplate = "keyTemplate"

// mappingFields are the fields of the form, in order, by the names that they have
// in the API.
var mappingFields = []mappingField{
	{Name: "title", Label: textMapTitle, Help: textMapTitleHelp},
	{Name: "text", Label: textMapText, Help: textMapTextHelp, Long: true},
	{Name: "color", Label: textMapColor, Help: textMapColorHelp},
	{Name: "link", Label: textMapLink, Help: textMapLinkHelp},
	{Name: "image", Label: textMapImage, Help: textMapImageHelp},
	{Name: "author", Label: textMapAuthor, Help: textMapAuthorHelp},
	{Name: "key", Label: textMapKey, Help: textMapKeyHelp},
	{Name: "thread", Label: textMapThread, Help: textMapThreadHelp},
	{Name: keyTemplate, Label: textKeyTemplate, Help: textKeyTemplateHelp},
}

// mapped returns where the value of a field of the form is.
func mapped(m *control.FieldMap, key *string, name string) *string {
	switch name {
	case "title":
		return &m.Title
	case "text":
		return &m.Text
	case "color":
		return &m.Color
	case "link":
		return &m.Link
	case "image":
		return &m.Image
	case "author":
		return &m.Author
	case "key":
		return &m.Key
	case "thread":
		return &m.Thread
	default:
		return key
	}
}

// unknownSender is the dialect of senders that nobody knows, to which a field
// map applies.
const unknownSender = "card"

func (c *Console) call(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	p, err := c.callView(r, a)
	if err != nil {
		return err
	}
	p.Mapping.Saved = r.URL.Query().Has("saved")
	return write(w, r, http.StatusOK, callPage(p))
}

// replay posts the call again and leads to the new one. What cannot be replayed
// says so on its page.
func (c *Console) replay(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id, call := hub.IncomingID(r.PathValue("id")), hub.CallID(r.PathValue("call"))
	made, err := c.Control.ReplayCall(r.Context(), a, id, call)
	if err == nil {
		http.Redirect(w, r, callPath(id, made.ID), http.StatusSeeOther)
		return nil
	}
	p, perr := c.callView(r, a)
	if perr != nil {
		return err // the page itself is not for this caller
	}
	problem := server.Report(r, err)
	p.Error = textReplayFailed(sentence(problem))
	return write(w, r, problem.Status, callPage(p))
}

// mapping takes the form of the field mapping: it is stored, or tried on the call.
func (c *Console) mapping(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id, call := hub.IncomingID(r.PathValue("id")), hub.CallID(r.PathValue("call"))
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	p, err := c.callView(r, a)
	if err != nil {
		return err
	}
	var m control.FieldMap
	var key string
	for i := range p.Mapping.Fields {
		f := &p.Mapping.Fields[i]
		f.Value = strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(f.Name), "\r\n", "\n"))
		*mapped(&m, &key, f.Name) = f.Value
	}
	fresh := p.Mapping.Version
	p.Mapping.Version = r.PostForm.Get("version")
	if r.PostForm.Get("do") == "save" {
		change := control.IncomingChange{KeyTemplate: control.Set(key), FieldMap: control.Set(m)}
		_, err = c.Control.UpdateIncoming(r.Context(), a, id, p.Mapping.Version, change)
		if err == nil {
			http.Redirect(w, r, callPath(id, call)+"?saved#mapping", http.StatusSeeOther)
			return nil
		}
		if hub.CodeOf(err) == hub.Conflict {
			p.Mapping.Version, p.Mapping.Stale = fresh, true
			return write(w, r, http.StatusConflict, callPage(p))
		}
	} else {
		var reading hub.Reading
		reading, err = c.Control.PreviewCall(r.Context(), a, id, call, control.ReadingChange{KeyTemplate: control.Set(key), FieldMap: control.Set(m)})
		if err == nil {
			p.Mapping.Preview = previewOf(&reading)
			return write(w, r, http.StatusOK, callPage(p))
		}
	}
	problem := server.Report(r, err)
	p.Mapping.refuse(problem)
	return write(w, r, problem.Status, callPage(p))
}

// refuse shows what is wrong: beside the fields, the rest above them.
func (v *mappingView) refuse(p server.Problem) {
	v.Error = p.Detail
	for _, e := range p.Errors {
		i := slices.IndexFunc(v.Fields, func(f mappingField) bool { return e.Field == f.Name || e.Field == "fieldMap."+f.Name })
		if i < 0 {
			v.Error += " " + e.Field + ": " + e.Detail + "."
			continue
		}
		v.Fields[i].Error = e.Detail
	}
}

func (c *Console) callView(r *http.Request, a hub.Actor) (callPageView, error) {
	ctx, id := r.Context(), hub.IncomingID(r.PathValue("id"))
	hook, err := c.Control.Incoming(ctx, a, id)
	if err != nil {
		return callPageView{}, err
	}
	call, err := c.Control.Call(ctx, a, id, hub.CallID(r.PathValue("call")))
	if err != nil {
		return callPageView{}, err
	}
	dialects, err := c.Control.Dialects(ctx, a)
	if err != nil {
		return callPageView{}, err
	}
	side, _, err := c.managing(ctx, a)
	if err != nil {
		return callPageView{}, err
	}
	p := callPageView{
		Sidebar: side, Title: textCallOf(hook.Name), Webhook: webhookPath(id), Verdict: verdictOf(call.Verdict), Reason: reasonOf(&call.Call),
		Facts: callFacts(&call.Call, titlesOf(dialects)), Time: secondOf(call.CreatedAt),
		HasBody: len(call.Body) > 0, NoBody: textNoBody, Body: payloadOf(call.Body, call.Headers["Content-Type"]), Headers: headersOf(&call.Call),
		Answer: call.Answer, Mapping: mappingOf(&hook, &call.Call),
	}
	if call.BodySize == 0 {
		p.NoBody = textEmptyBody
	}
	if p.HasBody {
		p.Size = textKept(byteSize(int64(len(call.Body))), byteSize(call.BodySize))
		p.Replay = callPath(id, call.ID) + "/replay"
	}
	switch {
	case call.Message != nil:
		p.Message, p.MessageNote = renderedOf(&call)
	case call.MessageID != "":
		p.MessageNote = textMessageGone
	default:
		p.MessageNote = textNoMessage
	}
	return p, nil
}

// renderedOf shows the message as the call left it, where that is known, and
// says so when it has changed since.
func renderedOf(call *control.CallDetail) (view *messageView, note string) {
	m := *call.Message
	if then := call.Rendered; then != nil && then.Number != m.Revision {
		m.Content, m.Embeds, m.Document = then.Content, nil, nil
		if len(then.Embeds) > 0 {
			_ = json.Unmarshal(then.Embeds, &m.Embeds) // written by the hub
		}
		note = textChangedSince
	}
	return new(viewer{}.message(&m)), note
}

func callFacts(call *hub.Call, titles map[string]string) []fact {
	facts := []fact{{Term: textSender, Text: senderOf(call, titles)}}
	if call.RecognisedBy != "" {
		facts = append(facts, fact{Term: textRecognisedBy, Text: call.RecognisedBy})
	}
	facts = append(facts, fact{Term: textAnswered, Text: strings.TrimSpace(strconv.Itoa(call.Status) + " " + http.StatusText(call.Status))})
	if call.RemoteIP != "" {
		facts = append(facts, fact{Term: textFrom, Text: call.RemoteIP})
	}
	return append(facts, fact{Term: textSize, Text: byteSize(call.BodySize)}, fact{Term: textTook, Text: call.Duration.Round(time.Microsecond).String()})
}

func headersOf(call *hub.Call) []fact {
	var out []fact
	for _, name := range slices.Sorted(maps.Keys(call.Headers)) {
		out = append(out, fact{Term: name, Text: call.Headers[name]})
	}
	if call.Query != "" {
		out = append(out, fact{Term: textQuery, Text: call.Query})
	}
	return out
}

func mappingOf(h *hub.IncomingWebhook, call *hub.Call) mappingView {
	v := mappingView{
		Call: callPath(h.ID, call.ID), Version: control.Version(h.UpdatedAt), Fields: slices.Clone(mappingFields),
	}
	m := control.FieldMapOf(h)
	for i := range v.Fields {
		v.Fields[i].Value = *mapped(&m, &h.KeyTemplate, v.Fields[i].Name)
	}
	if call.Dialect != unknownSender {
		v.Note = textMappingUnused
	}
	return v
}

func previewOf(reading *hub.Reading) *previewView {
	v := &previewView{Message: viewer{}.message(&reading.Message), Facts: []fact{{Term: textRecognisedBy, Text: reading.RecognisedBy}}}
	if reading.Key != "" {
		v.Facts = append(v.Facts, fact{Term: textMapKey, Text: reading.Key})
	}
	if reading.Thread != "" {
		v.Facts = append(v.Facts, fact{Term: textMapThread, Text: reading.Thread})
	}
	for _, l := range reading.Losses {
		v.Facts = append(v.Facts, fact{Term: textLost, Text: textLoss(l.Kind, l.Done, l.Count)})
	}
	if reading.Remarks != "" {
		v.Facts = append(v.Facts, fact{Term: textRemarks, Text: reading.Remarks})
	}
	return v
}
