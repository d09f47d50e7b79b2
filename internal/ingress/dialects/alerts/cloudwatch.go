package alerts

import (
	"strings"
	"time"

	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/markup"
)

func isCloudWatch(f dialect.Object) bool { return f.Has("AlarmName") && f.Has("NewStateValue") }

func cloudWatchID(f dialect.Object) string {
	if arn := f.Str("AlarmArn"); arn != "" {
		return arn
	}
	return strings.Join([]string{f.Str("AWSAccountId"), f.Str("Region"), f.Str("AlarmName")}, "/")
}

// cloudWatch shows an alarm of Amazon CloudWatch.
func cloudWatch(f dialect.Object) *dialect.Alarm {
	a := &dialect.Alarm{Name: f.Str("AlarmName"), From: []string{"CloudWatch"}, Time: dialect.Moment(f.Get("StateChangeTime"))}
	a.State, a.Color = cloudWatchState(f.Str("NewStateValue"))
	a.Text = append(dialect.Plain(f.Str("AlarmDescription")), dialect.Plain(f.Str("NewStateReason"))...)
	a.Facts.Add("Before", constant(f.Str("OldStateValue"), ""))
	trigger := f.Get("Trigger").Object()
	a.Facts.Add("Condition", condition(trigger))
	a.Facts.Add("Metric", strings.TrimSpace(trigger.Str("Namespace")+" "+trigger.Str("MetricName")))
	for d := range trigger.Get("Dimensions").Elements() {
		if o := d.Object(); a.Facts.Len() < dialect.MaxFields {
			a.Facts.Add(o.Str("name"), o.Str("value"))
		}
	}
	a.Facts.Add("Region", f.Str("Region"))
	a.Facts.Add("Account", f.Str("AWSAccountId"))
	return a
}

func cloudWatchState(state string) (string, markup.Color) {
	switch state {
	case "ALARM":
		return state, dialect.Red
	case "OK":
		return state, dialect.Green
	}
	return strings.ReplaceAll(state, "_", " "), dialect.Orange
}

// condition writes when the alarm is raised: "AVERAGE BucketSizeBytes ≥ 0.0 for 1
// period of 1 d".
func condition(t dialect.Object) string {
	threshold := t.Str("Threshold")
	if threshold == "" {
		return ""
	}
	out := strings.TrimSpace(t.First("Statistic", "ExtendedStatistic") + " " + t.Str("MetricName"))
	out += " " + comparison(t.Str("ComparisonOperator")) + " " + threshold
	if unit := t.Str("Unit"); unit != "" {
		out += " " + unit
	}
	if period := dialect.Took(dialect.Span(t.Get("Period"), time.Second)); period != "" && t.Str("EvaluationPeriods") != "" {
		word := " periods of "
		if t.Str("EvaluationPeriods") == "1" {
			word = " period of "
		}
		out += " for " + t.Str("EvaluationPeriods") + word + period
	}
	return out
}

// comparison is the sign of an operator of CloudWatch or of Google.
func comparison(operator string) string {
	switch operator {
	case "GreaterThanOrEqualToThreshold", "COMPARISON_GE":
		return "≥"
	case "GreaterThanThreshold", "COMPARISON_GT":
		return ">"
	case "LessThanThreshold", "COMPARISON_LT":
		return "<"
	case "LessThanOrEqualToThreshold", "COMPARISON_LE":
		return "≤"
	}
	return "against"
}
