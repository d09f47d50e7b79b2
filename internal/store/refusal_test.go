package store

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/nself-chat/hub"
)

// TestRefusalOfPostgres: what the database's state is to blame for may be tried
// again; what the hub asked wrongly is an error of the hub.
func TestRefusalOfPostgres(t *testing.T) {
	for code, want := range map[string]hub.Code{
		"23505": hub.Conflict,
		"22P02": hub.NotFound,
		"53100": hub.StorageFull,
		"25006": hub.Unavailable,
		"57014": hub.Unavailable,
		"08006": hub.Unavailable,
		"28P01": hub.Unavailable, // the password was changed
		"28000": hub.Unavailable,
		"3D000": hub.Unavailable,
		"57P05": hub.Unavailable,
		"53200": hub.Unavailable,
		"53300": hub.Unavailable,
		"58030": hub.Unavailable,
		"55P03": hub.Unavailable,
		"42P01": hub.Internal,
		"23514": hub.Internal,
	} {
		said := &pgconn.PgError{Code: code}
		err := pgRefusal(fmt.Errorf("store: write: %w", said))
		if got := hub.CodeOf(err); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
		if !errors.Is(err, said) {
			t.Errorf("%s is lost", code)
		}
	}
}
