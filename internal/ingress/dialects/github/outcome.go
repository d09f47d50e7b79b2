package github

import (
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

// outcome is a state of a check, a workflow or a deployment in words that follow
// its name, and the state's colour.
type outcome struct {
	words string
	color markup.Color
}

var outcomes = map[string]outcome{
	// conclusions
	"success":         {"succeeded", dialect.Green},
	"failure":         {"failed", dialect.Red},
	"error":           {"failed", dialect.Red},
	"timed_out":       {"timed out", dialect.Red},
	"startup_failure": {"failed to start", dialect.Red},
	"action_required": {"needs somebody to act", dialect.Orange},
	"neutral":         {"ended neutral", dialect.Grey},
	"cancelled":       {"was cancelled", dialect.Grey},
	"skipped":         {"was skipped", dialect.Grey},
	"stale":           {"went stale", dialect.Grey},
	// states on the way
	"requested":   {"was requested", dialect.Yellow},
	"queued":      {"is queued", dialect.Yellow},
	"pending":     {"is pending", dialect.Yellow},
	"waiting":     {"is waiting", dialect.Yellow},
	"in_progress": {"is running", dialect.Yellow},
	"created":     {"was created", dialect.Yellow},
	"completed":   {"is complete", dialect.Grey},
	// states of deployments and pages
	"inactive": {"is no longer active", dialect.Grey},
	"built":    {"succeeded", dialect.Green},
	"building": {"is running", dialect.Yellow},
	"errored":  {"failed", dialect.Red},
}

// outcomeOf reads the first of the words that is there: the conclusion of what has
// one, else the state.
func outcomeOf(states ...string) outcome {
	for _, state := range states {
		if state == "" {
			continue
		}
		if o, ok := outcomes[state]; ok {
			return o
		}
		return outcome{"is " + words(state), dialect.Grey}
	}
	return outcome{"has changed", dialect.Grey}
}

// ran is the outcome of a check, a run or a job. What is over has a conclusion.
func ran(o dialect.Object) outcome { return outcomeOf(o.Str("conclusion"), o.Str("status")) }
