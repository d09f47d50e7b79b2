package dialect

import (
	"testing"
	"time"

	"github.com/nself-chat/hub/internal/markup"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]string{
		`44.23943737541908`: "44.239", `1`: "1", `97.007606`: "97.007606", `"12.5"`: "12.5", `123456789012`: "123456789012",
		`0.00000012345678`: "0.00000012345678", `1e400`: "1e400", `"a long word, no number"`: "a long word, no number", `{}`: "", `12.3000000001`: "12.3",
	} {
		if got := Number(Value(text)); got != want {
			t.Errorf("Number(%s) = %q, want %q", text, got, want)
		}
	}
}

func TestAlarmOfNothingIsEmpty(t *testing.T) {
	a := Alarm{State: "FIRING", URL: "javascript:alert(1)", From: []string{"Probe", " "}}
	if !a.Doc().IsEmpty() {
		t.Errorf("%v is not empty", a.Doc())
	}
}

func TestAlarmSaysTheStateFirst(t *testing.T) {
	a := Alarm{State: "DOWN", Name: "Checkout", URL: "https://example.com/", Color: Red, Text: Plain("No answer."), From: []string{"Probe", "", "Oslo"}}
	began := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	a.Facts.AddTime("Since", began)
	a.Facts.AddTime("Never", time.Time{})
	a.Facts.AddSpan("Lasted", began, began.Add(90*time.Second))
	a.Facts.AddSpan("Lasted", began, time.Time{})
	a.Links.Add("Runbook", "https://example.com/r")
	a.Links.Add("Again", "https://example.com/r")
	a.Links.Add("Nowhere", "/r")
	a.Links.Add("Graph", "https://example.com/g")
	const want = "DOWN: Checkout (https://example.com/)\nNo answer.\nSince: 2026-02-01 12:00:00 UTC\nLasted: 1 min 30 s\n" +
		"Runbook (https://example.com/r) · Graph (https://example.com/g)\nProbe · Oslo"
	if got := markup.Plain(a.Doc()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWorst(t *testing.T) {
	for _, test := range []struct{ a, b, want markup.Color }{
		{Blue, Red, Red}, {Orange, Blue, Orange}, {"", Blue, Blue}, {Green, "", Green}, {"", "", ""},
	} {
		if got := Worst(test.a, test.b); got != test.want {
			t.Errorf("Worst(%s, %s) = %s", test.a, test.b, got)
		}
	}
	if SeverityColor(" Critical") != Red || SeverityColor("P3") != Orange || SeverityColor("42") != "" {
		t.Error("a severity has another colour")
	}
}
