// Package fault names the places where a crash hurts most, so that tests can
// end the process exactly there. In a plain build a point is an empty function
// that the compiler removes; with the build tag "fault" the environment
// variable HUB_FAULT ("name:n") ends the process with SIGKILL when the named
// point is reached for the n-th time, and HUB_FAULT_CLOCK ("-5m") makes its
// clock wrong.
package fault

// The points.
const (
	// CommitBefore: everything of a group is applied, nothing committed.
	CommitBefore = "commit.before"
	// CommitAfter: a group is committed, nobody has been told.
	CommitAfter = "commit.after"
	// SendBefore: an attempt is about to open its connection.
	SendBefore = "send.before"
	// SendAfter: the receiver has answered, nothing is recorded.
	SendAfter = "send.after"
	// OutcomeApplied: an outcome's rows are written, or on Postgres on their way, and not
	// committed.
	OutcomeApplied = "outcome.applied"
)
