package dialect

import (
	"strings"

	"github.com/nself-chat/hub/internal/markup"
)

// StateColor is the colour of a word for how something is or how it ended, as
// "FIRING", "in_progress" or "Succeeded", whatever its case; "" when it is none that
// is known. For words of how bad something is see [SeverityColor].
func StateColor(word string) markup.Color {
	word = strings.ToLower(strings.TrimSpace(word))
	word = strings.NewReplacer("_", "", "-", "", " ", "").Replace(word)
	switch word {
	case "firing", "alerting", "alarm", "alert", "triggered", "down", "offline", "unreachable", "unavailable", "failed",
		"failing", "failure", "fail", "error", "errored", "critical", "fatal", "broken", "unhealthy", "crashed", "timedout",
		"timeout", "expired", "rejected", "denied", "problem", "red":
		return Red
	case "warning", "warn", "degraded", "unstable", "atrisk", "orange":
		return Orange
	case "pending", "waiting", "queued", "scheduled", "acknowledged", "acked", "nodata", "unknown", "stale", "blocked", "yellow":
		return Yellow
	case "ok", "okay", "up", "online", "available", "healthy", "normal", "resolved", "recovered", "recovery", "cleared",
		"fixed", "closed", "succeeded", "successful", "success", "passed", "pass", "passing",
		"completed", "complete", "done", "finished", "approved", "accepted", "paid", "delivered", "green":
		return Green
	case "started", "starting", "running", "inprogress", "processing", "created", "new", "open", "opened", "updated", "info", "blue":
		return Blue
	case "canceled", "cancelled", "skipped", "aborted", "disabled", "inactive", "paused", "stopped",
		"deleted", "removed", "archived", "ignored", "muted", "grey", "gray":
		return Grey
	}
	return ""
}
