package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

// The pages about incoming webhooks: all of them, and one with the log of its
// calls. One call is in call.go.

const webhooksPath = "/incoming-webhooks"

func webhookPath(id hub.IncomingID) string { return webhooksPath + "/" + string(id) }

func callPath(id hub.IncomingID, call hub.CallID) string {
	return webhookPath(id) + "/calls/" + string(call)
}

type webhooksView struct {
	Sidebar  sidebarView
	Webhooks []webhookView
}

type webhookView struct {
	Name     string
	Path     string
	Channel  channelLink // without an ID: there is none that the viewer sees
	State    string
	On       bool // it takes calls
	LastUsed timeView
	Calls    string
	Refused  string
}

// webhookPageView is everything that webhookPage shows.
type webhookPageView struct {
	Sidebar  sidebarView
	Webhook  webhookView
	Facts    []fact
	Dialects []dialectView
	Log      []callRow
	Older    string // page with older calls; "": there are none
	Newest   string // set on older pages: the way back
}

// fact is a line of a list of terms: a text, or a time.
type fact struct {
	Term, Text string
	Time       timeView
}

type dialectView struct{ Suffix, Title string }

// callRow is a call in the log.
type callRow struct {
	Path    string
	Time    timeView
	Verdict verdictView
	Sender  string
	Why     string // by which mark the sender was known
	Status  string
	Reason  reasonView
	Message string // where the message is shown; "": there is none
}

// reasonView is the reason for a verdict, with a link to the call that it names.
type reasonView struct {
	Text    string // up to the call
	Call    string // "": it names none
	CallURL string
	Rest    string
}

type verdictView struct {
	Text string
	Good bool
}

func (c *Console) webhooks(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	all, err := c.Control.Incomings(r.Context(), a)
	if err != nil {
		return err
	}
	side, channels, err := c.managing(r.Context(), a)
	if err != nil {
		return err
	}
	p := webhooksView{Sidebar: side}
	for i := range all {
		p.Webhooks = append(p.Webhooks, webhookOf(&all[i], channels, time.Now()))
	}
	return write(w, r, http.StatusOK, webhooksPage(p))
}

func (c *Console) webhook(w http.ResponseWriter, r *http.Request, a hub.Actor) error {
	id := hub.IncomingID(r.PathValue("id"))
	before := hub.CallID(r.URL.Query().Get("before"))
	hook, err := c.Control.Incoming(r.Context(), a, id)
	if err != nil {
		return err
	}
	calls, more, err := c.Control.Calls(r.Context(), a, id, before, pageSize)
	if err != nil {
		return err
	}
	dialects, err := c.Control.Dialects(r.Context(), a)
	if err != nil {
		return err
	}
	side, channels, err := c.managing(r.Context(), a)
	if err != nil {
		return err
	}
	p := webhookPageView{
		Sidebar: side, Webhook: webhookOf(&hook, channels, time.Now()), Facts: factsOf(&hook),
	}
	for _, d := range dialects {
		p.Dialects = append(p.Dialects, dialectView{Suffix: "/" + d.Name, Title: d.Title})
	}
	titles := titlesOf(dialects)
	for i := range calls {
		p.Log = append(p.Log, rowOf(&calls[i], &hook, titles))
	}
	if before != "" {
		p.Newest = webhookPath(id)
	}
	if more && len(calls) > 0 {
		p.Older = webhookPath(id) + "?before=" + url.QueryEscape(string(calls[len(calls)-1].ID))
	}
	return write(w, r, http.StatusOK, webhookPage(p))
}

// managing returns what pages of management need besides: the sidebar, and the
// channels that the actor sees.
func (c *Console) managing(ctx context.Context, a hub.Actor) (sidebarView, map[hub.ChannelID]channelLink, error) {
	all, err := c.channels(ctx, a)
	if err != nil {
		return sidebarView{}, nil, err
	}
	side := sidebarOf(a, all, "")
	side.InWebhooks = true
	links := make(map[hub.ChannelID]channelLink, len(all))
	for i := range all {
		links[all[i].ID] = linkOf(&all[i])
	}
	return side, links, nil
}

func webhookOf(h *hub.IncomingWebhook, channels map[hub.ChannelID]channelLink, now time.Time) webhookView {
	v := webhookView{
		Name: h.Name, Path: webhookPath(h.ID), Channel: channels[h.ChannelID], State: textEnabled, On: true, LastUsed: timeOf(h.LastUsedAt),
		Calls: strconv.FormatInt(h.CallCount, 10), Refused: strconv.FormatInt(h.RefusedCount, 10),
	}
	switch {
	case !h.Enabled:
		v.State, v.On = textDisabled, false
	case !h.ExpiresAt.IsZero() && !now.Before(h.ExpiresAt):
		v.State, v.On = textExpired, false
	}
	return v
}

// factsOf tells what a webhook asks of its callers.
func factsOf(h *hub.IncomingWebhook) []fact {
	facts := []fact{
		{Term: textSignatures, Text: textNotAsked},
		{Term: textAddresses, Text: textAnyAddress},
		{Term: textRate, Text: textDefaultRate},
		{Term: textMentions, Text: textMentionsHarmless},
	}
	if h.SealedHMAC != "" {
		facts[0].Text = textSigned
	}
	if len(h.AllowIPs) > 0 {
		facts[1].Text = strings.Join(h.AllowIPs, ", ")
	}
	switch {
	case h.RateLimit < 0:
		facts[2].Text = textNoRate
	case h.RateLimit > 0:
		facts[2].Text = textRateOf(h.RateLimit)
	}
	if h.AllowMentions {
		facts[3].Text = textMentionsWork
	}
	if !h.ExpiresAt.IsZero() {
		facts = append(facts, fact{Term: textExpires, Time: timeOf(h.ExpiresAt)})
	}
	return facts
}

// titlesOf returns the names of products for people, by the names of dialects.
func titlesOf(dialects []hub.Dialect) map[string]string {
	titles := make(map[string]string, len(dialects))
	for _, d := range dialects {
		titles[d.Name] = d.Title
	}
	return titles
}

func rowOf(call *hub.Call, h *hub.IncomingWebhook, titles map[string]string) callRow {
	row := callRow{
		Path: callPath(h.ID, call.ID), Time: secondOf(call.CreatedAt), Verdict: verdictOf(call.Verdict), Sender: senderOf(call, titles),
		Why: call.RecognisedBy, Status: strconv.Itoa(call.Status), Reason: reasonOf(call),
	}
	if call.MessageID != "" {
		// Which channel it is in, the log does not say: the webhook may have another
		// one since. The call's page shows the message.
		row.Message = row.Path + "#message"
	}
	return row
}

func senderOf(call *hub.Call, titles map[string]string) string {
	if call.RecognisedBy == "" && !goodVerdicts[call.Verdict] {
		return textNotRecognised // the dialect is only that of the answer
	}
	if title := titles[call.Dialect]; title != "" {
		return title
	}
	return call.Dialect
}

// goodVerdicts are those of calls that were carried out.
var goodVerdicts = map[string]bool{"accepted": true, "repeated": true, "edited": true, "deleted": true, "read": true}

// verdictOf words a verdict: "bad_signature" is "bad signature".
func verdictOf(verdict string) verdictView {
	return verdictView{Text: strings.ReplaceAll(verdict, "_", " "), Good: goodVerdicts[verdict]}
}

// replayReason begins the reason of a replay; the id of the call follows.
const replayReason = "Replay of call"

func reasonOf(call *hub.Call) reasonView {
	rest, ok := strings.CutPrefix(call.Reason, replayReason+" ")
	id, rest, stop := strings.Cut(rest, ".")
	if !ok || !stop {
		return reasonView{Text: call.Reason}
	}
	return reasonView{Text: replayReason, Call: id, CallURL: callPath(call.IncomingID, hub.CallID(id)), Rest: "." + rest}
}
