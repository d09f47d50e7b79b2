package webhook

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var testTime = time.Unix(1_700_000_000, 0)

func at(t time.Time) Option { return Clock(func() time.Time { return t }) }

// signed returns the headers of a request signed with each of the secrets.
func signed(t interface{ Fatal(...any) }, id string, when time.Time, body []byte, secrets ...string) http.Header {
	var entries []string
	for _, secret := range secrets {
		entry, err := SignStandard(secret, id, when, body)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	h := make(http.Header)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, strconv.FormatInt(when.Unix(), 10))
	h.Set(HeaderSignature, strings.Join(entries, " "))
	h.Set(HeaderBodySignature, SignBody(secrets[0], body))
	if len(secrets) > 1 {
		h.Set(HeaderBodySignatureNext, SignBody(secrets[1], body))
	}
	return h
}

func TestVerifyRefuses(t *testing.T) {
	body := []byte(`{"a":1}`)
	good := func() http.Header { return signed(t, "id1", testTime, body, testSecret) }
	if err := Verify(testSecret, good(), body, at(testTime)); err != nil {
		t.Fatal(err)
	}
	entry := good().Get(HeaderSignature)
	tests := map[string]struct {
		change func(http.Header)
		body   string
		want   error
	}{
		"no id":               {func(h http.Header) { h.Del(HeaderID) }, "", ErrMissingSignature},
		"empty id":            {func(h http.Header) { h.Set(HeaderID, "") }, "", ErrMissingSignature},
		"no timestamp":        {func(h http.Header) { h.Del(HeaderTimestamp) }, "", ErrMissingSignature},
		"no signature":        {func(h http.Header) { h.Del(HeaderSignature) }, "", ErrMissingSignature},
		"other id":            {func(h http.Header) { h.Set(HeaderID, "id2") }, "", ErrSignature},
		"other time":          {func(h http.Header) { h.Set(HeaderTimestamp, "1700000001") }, "", ErrSignature},
		"other body":          {nil, `{"a":2}`, ErrSignature},
		"no v1":               {func(h http.Header) { h.Set(HeaderSignature, "v1a,"+entry[3:]+" v2,"+entry[3:]) }, "", ErrSignature},
		"without a version":   {func(h http.Header) { h.Set(HeaderSignature, entry[3:]) }, "", ErrSignature},
		"cut":                 {func(h http.Header) { h.Set(HeaderSignature, entry[:len(entry)-1]) }, "", ErrSignature},
		"longer":              {func(h http.Header) { h.Set(HeaderSignature, entry+"A") }, "", ErrSignature},
		"lower case":          {func(h http.Header) { h.Set(HeaderSignature, strings.ToLower(entry)) }, "", ErrSignature},
		"empty entry":         {func(h http.Header) { h.Set(HeaderSignature, "v1,") }, "", ErrSignature},
		"by comma":            {func(h http.Header) { h.Set(HeaderSignature, "v1,AAAA,"+entry) }, "", ErrSignature},
		"timestamp no number": {func(h http.Header) { h.Set(HeaderTimestamp, "now") }, "", ErrTimestamp},
		"timestamp signed":    {func(h http.Header) { h.Set(HeaderTimestamp, "+1700000000") }, "", ErrTimestamp},
		"timestamp padded":    {func(h http.Header) { h.Set(HeaderTimestamp, "01700000000") }, "", ErrTimestamp},
		"timestamp fraction":  {func(h http.Header) { h.Set(HeaderTimestamp, "1700000000.0") }, "", ErrTimestamp},
		"timestamp negative":  {func(h http.Header) { h.Set(HeaderTimestamp, "-1700000000") }, "", ErrTimestamp},
		"timestamp huge":      {func(h http.Header) { h.Set(HeaderTimestamp, "9223372036854775807") }, "", ErrTimestamp},
		"timestamp overflow":  {func(h http.Header) { h.Set(HeaderTimestamp, "99999999999999999999") }, "", ErrTimestamp},
	}
	for name, test := range tests {
		h := good()
		if test.change != nil {
			test.change(h)
		}
		b := body
		if test.body != "" {
			b = []byte(test.body)
		}
		if err := Verify(testSecret, h, b, at(testTime)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// The error says what a developer has to look for.
func TestErrorsSayWhatIsWrong(t *testing.T) {
	body := []byte("{}")
	tests := []struct {
		change func(http.Header)
		want   string
	}{
		{func(h http.Header) { h.Del(HeaderTimestamp) }, "webhook: not signed: no header webhook-timestamp"},
		{func(h http.Header) { h.Set(HeaderSignature, "v2,AAAA") }, "webhook: bad signature: no entry of version v1"},
		{func(h http.Header) { h.Set(HeaderTimestamp, "1700000420") }, "webhook: bad timestamp: 7m0s ahead of this clock"},
		{func(h http.Header) { h.Set(HeaderTimestamp, "1699999580") }, "webhook: bad timestamp: 7m0s behind this clock"},
		{func(h http.Header) { h.Set(HeaderTimestamp, "x") }, "webhook: bad timestamp: not a number of seconds"},
	}
	for _, test := range tests {
		h := signed(t, "id1", testTime, body, testSecret)
		test.change(h)
		if err := Verify(testSecret, h, body, at(testTime)); err == nil || err.Error() != test.want {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
}

func TestTolerance(t *testing.T) {
	body := []byte("{}")
	h := signed(t, "id1", testTime, body, testSecret)
	for offset, accepted := range map[time.Duration]bool{
		0:                            true,
		5 * time.Minute:              true, // this clock is ahead: the request is old
		5*time.Minute + time.Second:  false,
		-5 * time.Minute:             true,
		-5*time.Minute - time.Second: false,
		5*time.Minute + 900*1e6:      true, // the request's time is in whole seconds
		24 * time.Hour:               false,
		-100 * 365 * 24 * time.Hour:  false,
		24 * 365 * 200 * time.Hour:   false,
	} {
		err := Verify(testSecret, h, body, at(testTime.Add(offset)))
		if accepted && err != nil || !accepted && !errors.Is(err, ErrTimestamp) {
			t.Errorf("a clock off by %v: %v, want accepted %v", offset, err, accepted)
		}
	}
	if err := Verify(testSecret, h, body, at(testTime.Add(time.Minute)), Tolerance(time.Second)); !errors.Is(err, ErrTimestamp) {
		t.Errorf("with a tolerance of a second: %v", err)
	}
}

func TestRotation(t *testing.T) {
	body := []byte("{}")
	const old, next, other = "old-secret", testSecret, "other-secret"
	both := signed(t, "id1", testTime, body, old, next)
	tests := []struct {
		name     string
		secrets  []string
		accepted bool
	}{
		{"the old one", []string{old}, true},
		{"the new one", []string{next}, true},
		{"both", []string{next, old}, true},
		{"one and an unused", []string{other, old}, true},
		{"one and none", []string{"", next}, true},
		{"neither", []string{other}, false},
	}
	for _, test := range tests {
		for which, err := range map[string]error{
			"Verify":     Verify(test.secrets, both, body, at(testTime)),
			"VerifyBody": VerifyBody(test.secrets, both, body),
		} {
			if test.accepted && err != nil || !test.accepted && !errors.Is(err, ErrSignature) {
				t.Errorf("%s with %s: %v, want accepted %v", which, test.name, err, test.accepted)
			}
		}
	}
	// The header may also come in several lines.
	lines := both.Clone()
	lines[HeaderSignature] = strings.Split(both.Get(HeaderSignature), " ")
	if err := Verify(next, lines, body, at(testTime)); err != nil {
		t.Error(err)
	}
	for _, none := range [][]string{nil, {}, {""}, {"", ""}, {"whsec_!"}, {next, "whsec_!"}} {
		if err := Verify(none, both, body, at(testTime)); !errors.Is(err, ErrSecret) {
			t.Errorf("secrets %q: %v, want ErrSecret", none, err)
		}
		if err := VerifyBody(none, both, body); !errors.Is(err, ErrSecret) {
			t.Errorf("secrets %q: %v, want ErrSecret", none, err)
		}
	}
}

// A request is verified before it is read.
func TestVerifierEvent(t *testing.T) {
	v, err := NewVerifier(testSecret, at(testTime))
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, "d1", testTime, []byte(testEvent), testSecret)
	if e, err := v.Event(good, []byte(testEvent)); err != nil || e.ID != "d1" || e.Attempt != 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := v.Event(good, []byte(`{}`)); !errors.Is(err, ErrSignature) {
		t.Errorf("a body that is not the signed one: %v", err)
	}
	if _, err := v.Event(signed(t, "d1", testTime, []byte(`{}`), testSecret), []byte(`{}`)); !errors.Is(err, ErrPayload) {
		t.Errorf("a body that is no event: %v", err)
	}
}

func TestVerifyBody(t *testing.T) {
	body := []byte(`{"a":1}`)
	sum := SignBody(testSecret, body)
	tests := map[string]struct {
		header http.Header
		want   error
	}{
		"signature":          {http.Header{HeaderBodySignature: {sum}}, nil},
		"next":               {http.Header{HeaderBodySignatureNext: {sum}}, nil},
		"upper case":         {http.Header{HeaderBodySignature: {"sha256=" + strings.ToUpper(sum[7:])}}, nil},
		"none":               {http.Header{}, ErrMissingSignature},
		"other body":         {http.Header{HeaderBodySignature: {SignBody(testSecret, []byte("x"))}}, ErrSignature},
		"other secret":       {http.Header{HeaderBodySignature: {SignBody("other", body)}}, ErrSignature},
		"empty":              {http.Header{HeaderBodySignature: {""}}, ErrSignature},
		"no digits":          {http.Header{HeaderBodySignature: {"sha256="}}, ErrSignature},
		"no hex":             {http.Header{HeaderBodySignature: {"sha256=" + strings.Repeat("z", 64)}}, ErrSignature},
		"cut":                {http.Header{HeaderBodySignature: {sum[:len(sum)-2]}}, ErrSignature},
		"another algorithm":  {http.Header{HeaderBodySignature: {"sha1=" + sum[7:]}}, ErrSignature},
		"the decoded secret": {http.Header{HeaderBodySignature: {wrongKey(t, body)}}, ErrSignature},
	}
	for name, test := range tests {
		if err := VerifyBody(testSecret, test.header, body); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// wrongKey is X-Webhook-Signature made with the decoded secret.
func wrongKey(t *testing.T, body []byte) string {
	t.Helper()
	key, err := standardKey(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return SignBody(string(key), body)
}

// What was signed verifies with any of the secrets, in any order, among any
// other entries; and nothing verifies once a bit of it was changed.
func TestSignedIsVerified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-Za-z0-9_-]{1,40}`).Draw(t, "id")
		when := time.Unix(rapid.Int64Range(0, 1<<39).Draw(t, "time"), 0)
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		pool := rapid.SliceOfNDistinct(secrets(), 2, 4, rapid.ID[string]).Draw(t, "secrets")
		uses := pool[:len(pool)-1]
		knows := rapid.Permutation([]string{rapid.SampledFrom(uses).Draw(t, "known"), pool[len(pool)-1]}).Draw(t, "knows")

		h := signed(t, id, when, body, uses...)
		entries := append(strings.Fields(h.Get(HeaderSignature)),
			rapid.SliceOf(rapid.StringMatching(`(v1|v1a|v2|),[A-Za-z0-9+/=]{0,50}`)).Draw(t, "others")...)
		h.Set(HeaderSignature, strings.Join(rapid.Permutation(entries).Draw(t, "entries"), " "))
		if err := Verify(knows, h, body, at(when)); err != nil {
			t.Fatal(err)
		}
		if err := VerifyBody(uses[0], h, body); err != nil {
			t.Fatal(err)
		}

		h = signed(t, id, when, body, uses[0])
		changed := slices.Clone(body)
		if len(changed) == 0 || rapid.Bool().Draw(t, "append") {
			changed = append(changed, rapid.Byte().Draw(t, "byte"))
		} else {
			changed[rapid.IntRange(0, len(changed)-1).Draw(t, "place")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		if err := Verify(uses[0], h, changed, at(when)); !errors.Is(err, ErrSignature) {
			t.Fatalf("a changed body: %v", err)
		}
		if err := VerifyBody(uses[0], h, changed); !errors.Is(err, ErrSignature) {
			t.Fatalf("a changed body: %v", err)
		}
		if err := Verify(pool[len(pool)-1], h, body, at(when)); !errors.Is(err, ErrSignature) {
			t.Fatalf("another secret: %v", err)
		}
	})
}

// FuzzVerify: whatever the headers hold, a request is accepted exactly when
// one of the space-separated entries is the right one, the time is the plain
// number of seconds, and the clock is near.
func FuzzVerify(f *testing.F) {
	f.Add("id", "1700000000", "v1,AAAA v1a,BBBB", []byte("{}"), true)
	f.Add("", "1700000301", "v1,", []byte(nil), false)
	f.Add("a.b", "+1700000000", " , v1", []byte("x"), true)
	f.Add("id", "1700000000", "v1,v1,v1", []byte("x"), true)
	f.Fuzz(func(t *testing.T, id, timestamp, others string, body []byte, insert bool) {
		seconds, err := strconv.ParseInt(timestamp, 10, 64)
		near := err == nil && seconds >= testTime.Unix()-300 && seconds <= testTime.Unix()+300 &&
			strconv.FormatInt(seconds, 10) == timestamp
		s, err := NewSigner(testSecret)
		if err != nil {
			t.Fatal(err)
		}
		right := string(s.AppendStandard(nil, id, seconds, body))
		header := http.Header{HeaderID: {id}, HeaderTimestamp: {timestamp}, HeaderSignature: {others}}
		if insert {
			header.Set(HeaderSignature, others+" "+right)
		}
		accepted := Verify(testSecret, header, body, at(testTime)) == nil
		if want := near && id != "" && slices.Contains(strings.Fields(header.Get(HeaderSignature)), right); accepted != want {
			t.Fatalf("id %q, timestamp %q, signature %q: accepted %v, want %v", id, timestamp, header.Get(HeaderSignature), accepted, want)
		}
	})
}

// FuzzVerifyBody is the same for the signature of the body alone.
func FuzzVerifyBody(f *testing.F) {
	f.Add("sha256=00", []byte("{}"))
	f.Add(SignBody(testSecret, []byte("{}")), []byte("{}"))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		want := SignBody(testSecret, body)
		accepted := VerifyBody(testSecret, http.Header{HeaderBodySignature: {value}}, body) == nil
		digits, _ := strings.CutPrefix(value, "sha256=")
		sum, err := hex.DecodeString(digits)
		if right := err == nil && "sha256="+hex.EncodeToString(sum) == want; accepted != right {
			t.Fatalf("%q: accepted %v, want %v", value, accepted, right)
		}
	})
}
