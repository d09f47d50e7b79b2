package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCheckAccept(t *testing.T) {
	for accept, want := range map[string]bool{
		"": true, "*/*": true, "application/json": true, "application/*": true, "APPLICATION/JSON": true, "text/html, */*;q=0.1": true,
		"text/html,application/json;q=0.9": true, "application/json; charset=utf-8": true, "application/json;q=0.001": true, ",": true,
		"application/*;q=0, application/json": true, "*/*;q=0, application/json;q=0.5": true,
		"text/html": false, "text/*": false, "application/xml": false, "*/*;q=0": false, "application/json;q=0, */*": false,
		"application/json;q=0": false, "nonsense": false, "application/problem+json": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		err := CheckAccept(r, "application/json")
		if (err == nil) != want || err != nil && ProblemOf(r.Context(), err).Status != http.StatusNotAcceptable {
			t.Errorf("%q: %v", accept, err)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Accept"] = []string{"text/html", "application/json"}
	if err := CheckAccept(r, "application/json"); err != nil {
		t.Error(err)
	}
}
