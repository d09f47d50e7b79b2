package app

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestArchiveTellsWhatWasCut: a database that could not be read to its end makes no
// backup, although the archive itself is whole.
func TestArchiveTellsWhatWasCut(t *testing.T) {
	w, err := newArchive(t.TempDir(), false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	broken := io.MultiReader(strings.NewReader("SQL"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := whole(w.add(databaseMember, 100, broken)); err == nil || !strings.Contains(err.Error(), databaseMember) {
		t.Errorf("a source that broke off: %v", err)
	}
	if err := whole(w.add(keysMember, 3, strings.NewReader("key"))); err != nil {
		t.Errorf("a whole one: %v", err)
	}
}
