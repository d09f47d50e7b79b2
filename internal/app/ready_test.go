package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/nself-chat/hub/internal/postgrestest"
)

// TestReadyzSaysWhy: a hub that gives no signs of life, whose tables have no room,
// is not ready, for these reasons.
func TestReadyzSaysWhy(t *testing.T) {
	database := postgrestest.URL(t)
	a := newTestApp(t, map[string]string{
		"HUB_DATABASE_URL": database, "HUB_SECRET_KEYS": "k:" + keyText, "HUB_ADMIN_TOKEN": "an-admin-token-of-this-test",
	})
	defer closeApp(t, a)
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	if status, body := ask(); status != http.StatusOK {
		t.Fatalf("at first: %d %s", status, body)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `DO $$ DECLARE t regclass; BEGIN
		FOR t IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'hub.nchat_webhook_attempts'::regclass LOOP EXECUTE 'DROP TABLE ' || t; END LOOP; END $$`)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := ask(); status != http.StatusServiceUnavailable || !strings.Contains(body, `"check":"room"`) {
		t.Errorf("without room: %d %s", status, body)
	}
	again := time.NewTicker(50 * time.Millisecond) // nobody runs it, so no sign of life follows that of its joining
	defer again.Stop()
	for began := time.Now(); ; <-again.C {
		_, body := ask()
		if strings.Contains(body, `"check":"membership"`) {
			return
		}
		if time.Since(began) > 10*time.Second {
			t.Fatalf("without a sign of life: %s", body)
		}
	}
}
