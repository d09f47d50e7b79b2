package alertmanager

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A notification as large as a body may be takes no time worth speaking of.
func TestLargeNotification(t *testing.T) {
	var labels, alerts []string
	for i := range 900 {
		labels = append(labels, fmt.Sprintf(`"label_%d":"https://example.com/%d"`, i, i))
	}
	all := "{" + strings.Join(labels, ",") + "}"
	for range 30 {
		alerts = append(alerts, `{"status":"firing","labels":`+all+`,"annotations":`+all+`}`)
	}
	body := `{"receiver":"r","status":"firing","groupKey":"k","commonLabels":{"a":"b"},"alerts":[` + strings.Join(alerts, ",") + `]}`
	began := time.Now()
	if _, text := show(t, body); len(text) > 100_000 {
		t.Errorf("the message has %d bytes", len(text))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%d bytes took %v", len(body), took)
	}
}
