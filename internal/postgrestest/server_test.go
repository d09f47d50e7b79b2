package postgrestest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestServer(t *testing.T) {
	server := Start(t)
	execute(t, server.URL(), "CREATE TABLE kept (n int)")
	for _, mode := range []Mode{Fast, Immediate} {
		t.Run(string(mode), func(t *testing.T) {
			conn := connect(t, server.URL())
			execute(t, server.URL(), "INSERT INTO kept VALUES (1)")
			before := count(t, conn, "SELECT count(*) FROM kept")
			server.Restart(mode)
			if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
				t.Error("the connection outlived its server")
			}
			if after := count(t, connect(t, server.URL()), "SELECT count(*) FROM kept"); after != before {
				t.Errorf("%d rows after the restart, %d before", after, before)
			}
		})
	}
	server.Stop(Fast)
	if conn, err := pgx.Connect(t.Context(), server.URL()); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a stopped server answers")
	}
	server.Start()
	execute(t, NewProxy(t, server.URL()).URL(), "SELECT FROM kept")
}
