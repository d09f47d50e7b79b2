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
	// failingGap between two failures breaks a spell of only failing. It is
	// longer than any wait between two tries.
	failingGap = 36 * time.Hour
)

// Health is what the attempts so far say about an endpoint. It is stored with
// the webhook, so that a restart does not forget it.
type Health struct {
	// Failures counts the failed attempts since the last success.
	Failures int `json:"failures"`
	// FailingSince is when the first of them ended; zero while healthy.
	FailingSince time.Time `json:"failingSince,omitzero"`
	// LastFailure is when the last of them ended.
	LastFailure time.Time `json:"lastFailure,omitzero"`
	// Open: the breaker is open, and only one probe at a time is sent.
	Open bool `json:"open"`
	// Probes counts the probes that failed since it opened.
	Probes int `json:"probes"`
	// WaitUntil is when the lane may send again: the next probe of an open
	// breaker, or the end of a Retry-After. Zero: now.
	WaitUntil time.Time `json:"waitUntil,omitzero"`
	// DeadLetter: a delivery has failed for good since the last success, and
	// the operators were told.
	DeadLetter bool `json:"deadLetter"`
}

// Healthy reports whether nothing is remembered against the endpoint.
func (h Health) Healthy() bool { return h == Health{} }

// After returns the health after an attempt that ended at now with decision
// d, and the notice that is due because of it, if any. An attempt that was in
// flight when the breaker opened is no probe.
func (h Health) After(d Decision, probe bool, now time.Time) (Health, Notice) {
	if d.Status == DeliverySuccess {
		return Health{}, NoticeNone
	}
	h.Failures++
	if h.FailingSince.IsZero() || now.Sub(h.LastFailure) > failingGap {
		h.FailingSince = now // long silence, as during a pause, is no failing
	}
	h.LastFailure = now
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
	if d.LaneUntil.After(h.WaitUntil) {
		h.WaitUntil = d.LaneUntil
	}
	if d.Gone {
		return h, NoticeGone
	}
	if now.Sub(h.FailingSince) >= DisableAfter {
		return h, NoticeFailing
	}
	return h, notice
}

func probeWait(probes int) time.Duration {
	if probes > 6 {
		return breakerMaxWait
	}
	return min(breakerFirstWait<<probes, breakerMaxWait)
}
