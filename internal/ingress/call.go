package ingress

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/server"
)

// call is one request on its way. It is owned by the goroutine that serves it.
type call struct {
	in      *Ingress
	w       http.ResponseWriter
	r       *http.Request
	began   time.Time
	dialect *dialect.Dialect // forced or recognised; nil: not known yet
	why     string           // by which mark it was recognised
	// unfilled are the parts of the webhook's field mapping for which there is nothing.
	unfilled []string
	to       address
	request  *dialect.Request // nil: the body was not understood

	ip   netip.Addr
	hash tokenHash
	hook *hook // nil: none in force has this token
	hop  int   // hubs passed before this one

	body   []byte // as far as it was read
	size   int64  // of the body in bytes: as announced, or as received
	buffer *[]byte
	held   int64          // bytes of room that the buffer takes
	holder hub.IncomingID // whose room it is
	// admitted: all proofs were given; only then the body is logged.
	admitted bool
	// signedID is the verified webhook-id, which repetitions share.
	signedID string
}

// begin learns what the request's header says. The caller calls end.
func (in *Ingress) begin(w http.ResponseWriter, r *http.Request, to address) *call {
	c := &call{
		in: in, w: w, r: r, began: in.Now(), to: to, hash: hashOf(clipToken(to.token)), size: max(r.ContentLength, 0),
	}
	if to.forced != nil {
		c.dialect, c.why = to.forced, bySuffix
		if to.method != "" {
			c.dialect = to.forced.API
		}
	}
	if ip, err := netip.ParseAddr(server.ClientIP(r)); err == nil {
		c.ip = ip.Unmap().WithZone("")
	}
	return c
}

// bySuffix is why a dialect is known that the address asks for.
const bySuffix = "the address asks for it"

func clipToken(token string) string { return token[:min(len(token), maxToken)] }

// admit takes the steps before the body is understood. Nothing of the body is
// read before all that URL and header can tell is decided. nil: the call may
// go on, and c.hook is set.
func (c *call) admit(ctx context.Context) *dialect.Failure {
	if c.in.Gate != nil {
		if err := c.in.Gate(); err != nil {
			return c.failure(err)
		}
	}
	found, err := c.in.lookup.find(ctx, c.hash)
	if err == nil {
		c.hook = found
	}
	if limit := c.bodyLimit(); c.r.ContentLength > limit {
		return tooLarge(limit)
	}
	if failed := c.readHop(); failed != nil {
		return failed
	}
	switch {
	case hub.CodeOf(err) == hub.NotFound:
		return c.strange(&dialect.Failure{Verdict: dialect.UnknownToken, Detail: "There is no webhook at this address."})
	case err != nil:
		return c.failure(err)
	case !c.hook.allows(c.ip):
		return c.strange(&dialect.Failure{Verdict: dialect.AddressRefused, Detail: "This webhook does not take calls from your address."})
	}
	if failed := c.countCall(); failed != nil {
		return failed
	}
	if failed := c.admitBody(ctx); failed != nil {
		return failed
	}
	c.admitted = true
	return nil
}

// admitBody reads the body and verifies its signature, if the webhook asks for
// one. What is wrong with the signature by itself saves reading the body.
func (c *call) admitBody(ctx context.Context) *dialect.Failure {
	if c.hook.key.IsZero() {
		return c.readBody(ctx)
	}
	p, failed := readProof(c.r, c.in.Now())
	if failed != nil {
		return c.strange(failed)
	}
	if failed := c.readBody(ctx); failed != nil {
		return failed
	}
	if failed := p.check(c.hook.key, c.body); failed != nil {
		return c.strange(failed)
	}
	c.signedID = p.id
	return nil
}

// readHop reads how many hubs the call has passed. What is no number counts as
// none, what is no sensible number as too many.
func (c *call) readHop() *dialect.Failure {
	text := c.r.Header.Get("X-Hub-Hop")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) || n > hub.MaxHop {
		return &dialect.Failure{
			Verdict: dialect.LoopDetected,
			Detail:  "This came through more than " + strconv.Itoa(hub.MaxHop) + " hubs: somebody built a loop.",
		}
	}
	c.hop = max(n, 0)
	return nil
}

// countCall counts the call against the client's limit at this webhook and
// tells the client what is left.
func (c *call) countCall() *dialect.Failure {
	limit := c.hook.RateLimit
	if limit == 0 {
		limit = c.in.RateLimit
	}
	if limit <= 0 {
		return nil
	}
	return c.count(limitKey{c.hook.ID, clientOf(c.ip)}, limit)
}

func (c *call) count(key limitKey, limit int) *dialect.Failure {
	now := c.in.Now()
	a := c.in.limits.take(key, limit, now)
	// Written in the case in which documentation has them; HTTP has none.
	h := c.w.Header()
	h["X-RateLimit-Limit"] = []string{strconv.Itoa(a.limit)}
	h["X-RateLimit-Remaining"] = []string{strconv.Itoa(a.remaining)}
	h["X-RateLimit-Reset"] = []string{strconv.FormatInt(ceilSeconds(time.Duration(a.ends.UnixNano())), 10)}
	if !a.refused {
		return nil
	}
	return &dialect.Failure{
		Verdict:    dialect.RateLimited,
		Detail:     "Too many calls: at most " + strconv.Itoa(limit) + " a minute are taken.",
		RetryAfter: a.ends.Sub(now),
	}
}

// strange counts a failure that somebody who guesses would make, and refuses
// for that when there were too many.
func (c *call) strange(failed *dialect.Failure) *dialect.Failure {
	if limited := c.count(limitKey{"", clientOf(c.ip)}, failureLimit); limited != nil {
		return limited
	}
	return failed
}

// failure says in words fit for the sender what an error of the store or the
// chat means. What the sender cannot help is logged here, once.
func (c *call) failure(err error) *dialect.Failure {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok {
		e = hub.Wrap(hub.Internal, err, "")
	}
	f := &dialect.Failure{Detail: e.Detail, Fields: e.Fields, RetryAfter: e.RetryAfter}
	switch e.Code {
	case hub.Invalid:
		f.Verdict = dialect.BadBody
	case hub.NotFound:
		f.Verdict = dialect.NotFound
	case hub.Forbidden:
		f.Verdict = dialect.Forbidden
	case hub.Conflict:
		f.Verdict = dialect.Conflict
	case hub.TooLarge:
		f.Verdict = dialect.TooLarge
	case hub.StorageFull:
		f.Verdict = dialect.StorageFull
		c.in.warn(e)
	case hub.Unavailable:
		f.Verdict = dialect.Unavailable
		f.RetryAfter = max(f.RetryAfter, time.Second)
		c.in.warn(e)
	default:
		f.Verdict, f.Detail, f.Fields = dialect.Internal, "Something failed inside the hub; the reason is in its log.", nil
		c.in.Log.Error("an incoming call failed", "error", err, "webhook", c.webhookID())
	}
	return f
}

// warn logs that calls are refused for want of space or of the database, at
// most once a second: there may be thousands.
func (in *Ingress) warn(e *hub.Error) {
	if errors.Is(e, context.Canceled) {
		return // the sender has gone
	}
	now := in.Now().Unix()
	if in.warnedAt.Swap(now) != now {
		in.Log.Warn("incoming calls are refused", "code", e.Code, "error", e, "cause", e.Unwrap())
	}
}

func (c *call) webhookID() hub.IncomingID {
	if c.hook == nil {
		return ""
	}
	return c.hook.ID
}

// refuse answers with the failure in the sender's dialect and notes the call.
func (c *call) refuse(failed *dialect.Failure) {
	if c.dialect == nil {
		c.dialect, c.why = c.recognise(failed)
	}
	answer := c.dialect.Failed(failed)
	h := c.w.Header()
	if failed.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(max(1, ceilSeconds(failed.RetryAfter)), 10))
	}
	switch {
	case failed.Verdict == dialect.BadSignature && answer.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `HMAC-SHA256 realm="incoming webhook"`) // required by RFC 9110 §15.5.2
	case failed.Verdict == dialect.TooLarge:
		h.Set("Connection", "close") // the rest of the body is not read
	}
	respond(c.w, answer)
	row := c.logRow(failed.Verdict, failed.Error(), answer.Status)
	row.Answer = answerText(answer)
	if c.admitted && len(c.body) > 0 && c.keepsBody(failed.Verdict) {
		row.Body = c.in.masker.mask(c.r.Header.Get("Content-Type"), c.body)
	}
	c.in.journal.note(entry{row, c.hash}, true)
}

// keepsBody reports whether the body of a call that was refused so is worth keeping:
// to see what is wrong with it, or to replay a post when what stood in its way is
// gone. (What the disk or the database had no room for is not kept by them.)
func (c *call) keepsBody(v dialect.Verdict) bool {
	switch v {
	case dialect.BadBody, dialect.NoText:
		return true
	case dialect.ChannelArchived, dialect.ChannelMissing, dialect.NotFound, dialect.Forbidden, dialect.Conflict:
		return c.r.Method == http.MethodPost || c.r.Method == http.MethodPut
	default:
		return false
	}
}

// recognise finds the sender's dialect of a call that was refused before its
// body was understood.
func (c *call) recognise(failed *dialect.Failure) (d *dialect.Dialect, why string) {
	if failed.Verdict == dialect.TooLarge || !c.sniff() {
		return dialects.Default(), ""
	}
	request, _ := dialect.Read(c.r.Header, c.r.URL.Query(), c.body) // what is wrong with it does not matter here
	return dialects.Recognise(request)
}

// logRow is the call as the log keeps it, without its body. Its Duration ends
// here: of a post, before the chat takes over and commits the row.
func (c *call) logRow(v dialect.Verdict, reason string, status int) hub.Call {
	now := c.in.Now()
	row := hub.Call{
		ID: hub.CallID(c.in.IDs.New()), IncomingID: c.webhookID(), Verdict: string(v), Reason: reason, Status: status,
		BodySize: c.size, Duration: now.Sub(c.began), CreatedAt: c.began.UTC(),
	}
	if c.ip.IsValid() {
		row.RemoteIP = c.ip.String()
	}
	if c.dialect != nil {
		row.Dialect, row.RecognisedBy = c.dialect.Name, c.why
	}
	if c.admitted {
		row.Headers, row.Query = c.in.masker.headers(c.r.Header), c.in.masker.query(c.r.URL.Query())
	}
	return row
}

// maxAnswer is how much of an answer the log keeps, in bytes.
const maxAnswer = 1024

func answerText(a dialect.Answer) string {
	return strings.ToValidUTF8(string(a.Body[:min(len(a.Body), maxAnswer)]), "")
}

// respond writes an answer.
func respond(w http.ResponseWriter, a dialect.Answer) {
	h := w.Header()
	if a.ContentType != "" {
		h["Content-Type"] = []string{a.ContentType}
	}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the sender has gone; nobody is left to tell
}

func ceilSeconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
