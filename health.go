package hub

import "time"

// Breaker figures: it opens after BreakerFailures failures in a row; probes
// follow after 5 s, 10 s, 20 s … at most every 5 minutes. A webhook that has
// only failed for DisableAfter is disabled.
const (
	BreakerFailures  = 10
	DisableAfter     = 5 * 24 * time.Hour
	breakerFirstWait = 5 * time.Second
	breakerMaxWait   = 5 * time.Minute
)

// Health is what the attempts so far say about an endpoint. It is stored with
// the webhook, so that a restart does not forget it.
type Health struct {
	// Failures counts the failed attempts since the last success.
	Failures int `json:"failures"`
	// FailingSince is when the first of them ended, or the first since the webhook
	// was resumed; zero while healthy.
	FailingSince time.Time `json:"failingSince,omitzero"`
	// Open: the breaker is open, and only one probe at a time is sent.
	Open bool `json:"open"`
	// Probes counts the probes that failed since it opened.
	Probes int `json:"probes"`
	// WaitUntil is when the lane may send again: the next probe of an open
	// breaker, or the end of a Retry-After, whichever is later. Zero: now.
	WaitUntil time.Time `json:"waitUntil,omitzero"`
	// AskedUntil is the end of the longest Retry-After. A success does not end
	// it: the answer may be to a request that was on its way before.
	AskedUntil time.Time `json:"askedUntil,omitzero"`
	// DeadLetter: a delivery has failed for good since the last success, and
	// the operators were told.
	DeadLetter bool `json:"deadLetter"`
}

// Healthy reports whether nothing is remembered against the endpoint.
func (h Health) Healthy() bool { return h == Health{} }

// Waits returns until when nothing may be sent; zero: it may. A wait that is longer
// than any was set while the clock was ahead, and counts as over.
func (h Health) Waits(now time.Time) time.Time {
	longest := breakerMaxWait
	if h.WaitUntil.Equal(h.AskedUntil) {
		longest = MaxRetryAfter
	}
	if !h.WaitUntil.After(now) || h.WaitUntil.After(now.Add(longest)) {
		return time.Time{}
	}
	return h.WaitUntil
}

// After returns the health after an attempt that ended at now with decision
// d, and the notice that is due because of it, if any. A notice may stand for
// several things that happened at once; the health says which. An attempt that
// was in flight when the breaker opened is no probe.
func (h Health) After(d Decision, probe bool, now time.Time) (Health, Notice) {
	if d.Status == DeliverySuccess {
		return h.recovered(now), NoticeNone
	}
	h.Failures++
	if h.FailingSince.IsZero() {
		h.FailingSince = now
	}
	notice := NoticeNone
	if d.Status == DeliveryFailed && !h.DeadLetter {
		h.DeadLetter = true
		notice = NoticeDeadLetter
	}
	switch {
	case h.Open && !probe:
	case h.Open:
		h.Probes++
		h.WaitUntil = now.Add(probeWait(h.Probes))
	case h.Failures >= BreakerFailures:
		h.Open, h.Probes = true, 0
		h.WaitUntil = now.Add(probeWait(0))
		notice = NoticeBreaker
	}
	if d.LaneUntil.After(h.AskedUntil) {
		h.AskedUntil = d.LaneUntil
	}
	if h.AskedUntil.After(h.WaitUntil) {
		h.WaitUntil = h.AskedUntil
	}
	switch {
	case d.Gone:
		return h, NoticeGone
	case h.hopeless(d, now):
		return h, NoticeFailing
	}
	return h, notice
}

// recovered is the health after a success: nothing is left but a Retry-After
// that has not passed.
func (h Health) recovered(now time.Time) Health {
	if !h.AskedUntil.After(now) {
		return Health{}
	}
	return Health{WaitUntil: h.AskedUntil, AskedUntil: h.AskedUntil}
}

// hopeless reports whether everything has failed for DisableAfter. How long
// nothing was sent in between does not matter; but the first failures after a
// long silence, with nothing given up yet, may be made good by a retry.
func (h Health) hopeless(d Decision, now time.Time) bool {
	return now.Sub(h.FailingSince) >= DisableAfter && (h.Open || d.Status == DeliveryFailed)
}

// Resumed is the health of a webhook that was paused: the time in which nothing
// was sent counts as no failing.
func (h Health) Resumed() Health {
	h.FailingSince = time.Time{}
	return h
}

func probeWait(probes int) time.Duration {
	if probes > 6 {
		return breakerMaxWait
	}
	return min(breakerFirstWait<<probes, breakerMaxWait)
}
