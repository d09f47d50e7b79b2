package main

import (
	"bytes"
	"strings"
	"testing"
)

// What a misspelt variable was to set is not set, which the log says at the start.
func TestServeNamesMisspeltVariables(t *testing.T) {
	var log bytes.Buffer
	h := serveInto(t, &log, map[string]string{"HUB_DATA_DIR": t.TempDir(), "HUB_BASEURL": "https://hub.example.com"})
	h.stop()
	if n := strings.Count(log.String(), "HUB_BASEURL is not a setting; is HUB_BASE_URL meant?"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}
