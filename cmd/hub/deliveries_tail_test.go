package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/nself-chat/hub/client"
)

// logOf serves a log of deliveries, newest first, as the hub does.
func logOf(t *testing.T, all *[]client.Delivery) *job {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/deliveries", func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.FormValue("cursor"))
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		type item struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		}
		var page struct {
			Items      []item `json:"items"`
			NextCursor string `json:"nextCursor"`
		}
		for i := from; i < min(from+limit, len(*all)); i++ {
			d := (*all)[len(*all)-1-i]
			page.Items = append(page.Items, item{d.ID, d.Status})
		}
		if from+limit < len(*all) {
			page.NextCursor = fmt.Sprint(from + limit)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
	})
	mux.HandleFunc("GET /api/deliveries/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"code": "not_found"}`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	said := &recorder{next: http.DefaultTransport}
	c, err := client.New(s.URL, "t", client.WithHTTPClient(callsThrough(said)))
	if err != nil {
		t.Fatal(err)
	}
	return &job{connection: &connection{Client: c, said: said}, output: &output{out: new(bytes.Buffer)}, ctx: t.Context()}
}

// TestTailMissesNothing: a burst between two looks is printed as a whole, in its order and once, and what was
// deleted meanwhile is not the end.
func TestTailMissesNothing(t *testing.T) {
	var all []client.Delivery
	j := logOf(t, &all)
	add := func(n int, status string) {
		for range n {
			all = append(all, client.Delivery{ID: fmt.Sprintf("%05d", len(all)), Status: status})
		}
	}
	add(5, "success")
	follow := &tail{job: j, seen: map[string]seenDelivery{}, printed: true, newest: "00004"}
	add(1500, "success")
	add(1, "pending")
	for range 2 {
		if err := follow.poll(); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(j.out.(*bytes.Buffer).String()), "\n")
	if len(lines) != 1501 || !strings.Contains(lines[0], " 00005 ") || !strings.Contains(lines[1500], " 01505 ") {
		t.Errorf("%d lines, from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
	all = nil // the webhook was deleted
	if err := follow.poll(); err != nil || len(follow.seen) != 0 {
		t.Errorf("%v, %d are followed", err, len(follow.seen))
	}
}
