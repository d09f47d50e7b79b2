package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/postgrestest"
	"github.com/nself-chat/hub/internal/secret"
)

// said is what filledHub's messages say, one with a file in each.
var said = []string{"the deployment began", "the deployment ended", "Grüße aus Köln"}

// filledHub makes a hub with messages and files, and stops it.
func filledHub(t *testing.T, env map[string]string) Config {
	t.Helper()
	a := newTestApp(t, env)
	defer closeApp(t, a)
	for i, text := range said {
		upload(t, a, text, fmt.Sprintf("content %d", i))
	}
	// Something that the keys have to open.
	if _, err := a.store.Setting(t.Context(), keysSetting); err != nil {
		t.Fatal(err)
	}
	return a.config
}

// upload posts a message with a file, and returns the file's hash.
func upload(t *testing.T, a *App, text, content string) string {
	t.Helper()
	by := chat.Cause{By: a.defaults.Owner}
	file, _, err := a.chat.Save(t.Context(), chat.Upload{Filename: "a.txt", Content: strings.NewReader(content)}, by)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.chat.Post(t.Context(), chat.Post{
		ChannelID: a.defaults.General, Author: hub.Author{ID: a.defaults.Owner}, Content: text, FileIDs: []hub.FileID{file.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Hash
}

var backupTime = time.Date(2026, 11, 21, 22, 5, 51, 7, time.UTC)

func backupOptions(path string) BackupOptions {
	return BackupOptions{Path: path, Version: "v1", Now: func() time.Time { return backupTime }, Progress: func(Progress) {}}
}

func restoreOptions(path string) RestoreOptions {
	return RestoreOptions{Path: path, Now: func() time.Time { return backupTime }, Progress: func(Progress) {}}
}

func backUp(t *testing.T, c Config, o BackupOptions) *BackupReport {
	t.Helper()
	report, err := Backup(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(o.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("left over: %s", e.Name())
		}
	}
	return report
}

// emptyFolder is a configuration with a data folder that does not exist.
func emptyFolder(t *testing.T, env map[string]string) Config {
	t.Helper()
	settings := map[string]string{"HUB_DATA_DIR": filepath.Join(t.TempDir(), "new"), "HUB_ADDR": "127.0.0.1:0"}
	for k, v := range env {
		settings[k] = v
	}
	c, err := LoadConfig(nil, environment(settings))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkHub starts a hub on a data folder and looks for what filledHub stored.
func checkHub(t *testing.T, c Config) {
	t.Helper()
	env := map[string]string{"HUB_DATA_DIR": c.DataDir, "HUB_SECRET_KEYS": c.SecretKeys.Reveal(), "HUB_DATABASE_URL": c.Database.URL.Reveal()}
	a := newTestApp(t, env)
	defer closeApp(t, a)
	for _, word := range []string{"deployment", "koln"} {
		hits, _, err := a.chat.Search(t.Context(), chat.SearchQuery{Text: word, Viewer: chat.Viewer{All: true}})
		if err != nil || len(hits) == 0 {
			t.Fatalf("%q finds %d messages, %v", word, len(hits), err)
		}
		for _, h := range hits {
			file, err := a.chat.Open(t.Context(), h.Message.Files[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(file.Content)
			_ = file.Content.Close()
			want := fmt.Sprintf("content %d", slices.Index(said, h.Message.Content))
			if err != nil || string(content) != want {
				t.Errorf("the file of %q has %q, %v", h.Message.Content, content, err)
			}
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	configured := "k1:" + keyText
	for name, tt := range map[string]struct {
		file     string
		env      map[string]string
		withKeys bool
	}{
		"plain":                      {file: "hub.tar"},
		"compressed":                 {file: "hub.tar.gz"},
		"with the keys file":         {file: "hub.tgz", withKeys: true},
		"with keys of the variables": {file: "hub.tar", withKeys: true, env: map[string]string{"HUB_SECRET_KEYS": configured}},
	} {
		t.Run(name, func(t *testing.T) {
			c := filledHub(t, tt.env)
			o := backupOptions(filepath.Join(t.TempDir(), tt.file))
			o.WithKeys = tt.withKeys
			made := backUp(t, c, o)
			if made.Files != len(said) || made.Rows["nchat_messages"] != int64(len(said)) || made.Keys != tt.withKeys ||
				!made.CreatedAt.Equal(backupTime) || made.SchemaVersion == 0 || made.LostFiles != nil || made.DamagedFiles != nil {
				t.Errorf("report %+v", made.Manifest)
			}
			if info, err := os.Stat(o.Path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != made.Size {
				t.Errorf("%v, %v", info, err)
			}
			members := unpack(t, o.Path)
			if last := members[len(members)-1].name; last != manifestMember || len(members) != len(said)+2+btoi(tt.withKeys) {
				t.Errorf("%d members, the last is %s", len(members), last)
			}

			to := emptyFolder(t, nil)
			report, err := Restore(t.Context(), to, restoreOptions(o.Path))
			if err != nil {
				t.Fatal(err)
			}
			want := KeysMissing
			if tt.withKeys {
				want = KeysFit
			}
			if report.KeysFit != want || !report.Verify.Clean() || report.Verify.Events == 0 || report.MovedTo != "" {
				t.Errorf("report %+v, verify %+v", report, report.Verify)
			}
			if !tt.withKeys {
				keys, err := os.ReadFile(c.KeysFile())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(to.KeysFile(), keys, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, path := range []string{to.KeysFile(), to.Database.Path} {
				if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", path, info, err)
				}
			}
			checkHub(t, to)
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// member is a file of an archive.
type member struct {
	name    string
	content []byte
}

func unpack(t testing.TB, path string) (all []member) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if !strings.HasSuffix(path, ".tar") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	r := tar.NewReader(in)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member{h.Name, content})
	}
}

func TestBackupRefuses(t *testing.T) {
	c := filledHub(t, nil)
	dir := t.TempDir()
	o := backupOptions(filepath.Join(dir, "hub.tar"))
	first := backUp(t, c, o)
	if _, err := Backup(t.Context(), c, o); hub.CodeOf(err) != hub.Conflict || !strings.Contains(err.Error(), "--force") {
		t.Errorf("a file that is there: %v", err)
	}
	o.Force = true
	if again := backUp(t, c, o); again.Size != first.Size {
		t.Errorf("%d and %d bytes", first.Size, again.Size)
	}
	for _, name := range []string{"hub.tar.zst", "hub.zip", "hub"} {
		if _, err := Backup(t.Context(), c, backupOptions(filepath.Join(dir, name))); hub.CodeOf(err) != hub.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Backup(t.Context(), c, backupOptions(filepath.Join(dir, "none", "hub.tar"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := Backup(t.Context(), emptyFolder(t, nil), backupOptions(filepath.Join(dir, "b.tar"))); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("no hub: %v", err)
	}
	full := c
	full.DiskReserve = 1 << 60
	if _, err := Backup(t.Context(), full, backupOptions(filepath.Join(dir, "b.tar"))); hub.CodeOf(err) != hub.StorageFull {
		t.Errorf("no room: %v", err)
	}
	if err := os.Remove(c.KeysFile()); err != nil {
		t.Fatal(err)
	}
	o = backupOptions(filepath.Join(dir, "b.tar"))
	o.WithKeys = true
	if _, err := Backup(t.Context(), c, o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no keys: %v", err)
	}
	// Nothing that looks like a backup is left by any of them, or when one is interrupted.
	for step := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		o := backupOptions(filepath.Join(dir, "b.tar"))
		o.Progress = func(Progress) {
			if step--; step < 0 {
				cancel()
			}
		}
		if _, err := Backup(ctx, c, o); err == nil {
			t.Error("an interrupted backup ends well")
		}
		cancel()
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left over: %v, %v", entries, err)
	}
}

// A file that is lost or damaged does not keep the others from being saved.
func TestBackupOfLostFiles(t *testing.T) {
	c := filledHub(t, nil)
	path := func(content string) (hash, path string) {
		sum := sha256.Sum256([]byte(content))
		hash = hex.EncodeToString(sum[:])
		return hash, filepath.Join(c.Files.Dir, filePath(hash))
	}
	lost, at := path("content 0")
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	damaged, at := path("content 1")
	if err := os.WriteFile(at, []byte("CONTENT 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := backupOptions(filepath.Join(t.TempDir(), "hub.tar"))
	made := backUp(t, c, o)
	if !slices.Equal(made.LostFiles, []string{lost}) || !slices.Equal(made.DamagedFiles, []string{damaged}) || made.Files != 2 {
		t.Errorf("%+v", made.Manifest)
	}
	to := emptyFolder(t, nil)
	if _, err := Restore(t.Context(), to, restoreOptions(o.Path)); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]bool{"content 0": false, "content 1": false, "content 2": true} {
		hash, _ := path(content)
		if _, err := os.Stat(filepath.Join(to.Files.Dir, filePath(hash))); (err == nil) != want {
			t.Errorf("%s: %v", content, err)
		}
	}
}

// Files that come and go while a backup is made neither fail it nor are missed.
func TestBackupWhileFilesChange(t *testing.T) {
	a := newTestApp(t, nil)
	defer closeApp(t, a)
	by := chat.Cause{By: a.defaults.Owner}
	first := upload(t, a, "first", "first")
	var gone hub.FileID
	came := ""
	o := backupOptions(filepath.Join(t.TempDir(), "hub.tar"))
	o.Progress = func(p Progress) {
		if p.Step != "database" || came != "" {
			return // between the files and the database
		}
		came = upload(t, a, "came", "came")
		file, _, err := a.chat.Save(t.Context(), chat.Upload{Filename: "gone.txt", Content: strings.NewReader("gone")}, by)
		if err != nil {
			t.Error(err)
		}
		gone = file.ID
	}
	removed := false
	// The file is deleted after the first copy of the database names it.
	progress := o.Progress
	o.Progress = func(p Progress) {
		progress(p)
		if p.Step == "uploaded files" && came != "" && !removed {
			removed = true
			if err := a.chat.DeleteFile(t.Context(), gone, by); err != nil {
				t.Error(err)
			}
		}
	}
	made := backUp(t, a.config, o)
	if !removed || made.LostFiles != nil {
		t.Errorf("removed %t, lost %v", removed, made.LostFiles)
	}
	var names []string
	for _, m := range unpack(t, o.Path) {
		names = append(names, m.name)
	}
	for _, hash := range []string{first, came} {
		if !slices.Contains(names, fileMember(hash)) {
			t.Errorf("%s is missing in %v", hash, names)
		}
	}
	if report, err := Restore(t.Context(), emptyFolder(t, nil), restoreOptions(o.Path)); err != nil || !report.Verify.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestRestoreMovesAside(t *testing.T) {
	old, younger := filledHub(t, nil), filledHub(t, nil)
	dir := t.TempDir()
	with, without := backupOptions(filepath.Join(dir, "with.tar")), backupOptions(filepath.Join(dir, "without.tar"))
	with.WithKeys = true
	backUp(t, old, with)
	backUp(t, old, without)
	oldKeys := readFile(t, old.KeysFile())
	keys := readFile(t, younger.KeysFile())
	before := readFile(t, younger.Database.Path)

	if _, err := Restore(t.Context(), younger, restoreOptions(with.Path)); hub.CodeOf(err) != hub.Conflict || !strings.Contains(err.Error(), "--force") {
		t.Fatalf("a database that is there: %v", err)
	}
	if err := os.WriteFile(younger.Database.Path+".v3", before, 0o600); err != nil {
		t.Fatal(err)
	}
	o := restoreOptions(with.Path)
	o.Force = true
	report, err := Restore(t.Context(), younger, o)
	if err != nil {
		t.Fatal(err)
	}
	if report.KeysFit != KeysFit || !bytes.Equal(readFile(t, younger.KeysFile()), oldKeys) {
		t.Errorf("keys %s", report.KeysFit)
	}
	aside := report.MovedTo
	if !bytes.Equal(readFile(t, filepath.Join(aside, "hub.db")), before) || !bytes.Equal(readFile(t, filepath.Join(aside, "keys")), keys) {
		t.Error("what was there is not what was moved aside")
	}
	if !bytes.Equal(readFile(t, filepath.Join(aside, "hub.db.v3")), before) {
		t.Error("the copy from before a migration was not moved aside")
	}
	if left, err := filepath.Glob(younger.Database.Path + ".v*"); err != nil || left != nil {
		t.Errorf("beside the restored database there is %v, %v", left, err)
	}
	if entries, err := os.ReadDir(filepath.Join(aside, "files")); err != nil || len(entries) == 0 {
		t.Errorf("the files: %v, %v", entries, err)
	}
	checkHub(t, younger)

	// Keys that the backup does not bring stay, and are kept aside as well.
	o = restoreOptions(without.Path)
	o.Force, o.Now = true, func() time.Time { return backupTime.Add(time.Hour) }
	report, err = Restore(t.Context(), younger, o)
	if err != nil || report.KeysFit != KeysFit || !bytes.Equal(readFile(t, filepath.Join(report.MovedTo, "keys")), oldKeys) {
		t.Errorf("%+v, %v", report, err)
	}
	checkHub(t, younger)

	// Keys of another hub are noticed; those of the backup do not replace them by themselves.
	other := emptyFolder(t, nil)
	if err := os.MkdirAll(other.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other.KeysFile(), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), other, restoreOptions(with.Path)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("other keys: %v", err)
	}
	if report, err := Restore(t.Context(), other, restoreOptions(without.Path)); err != nil || report.KeysFit != KeysWrong {
		t.Errorf("other keys: %+v, %v", report, err)
	}

	// The log of another database would be taken for this one's.
	stale := emptyFolder(t, nil)
	if err := os.MkdirAll(stale.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stale.Database.Path+"-wal", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), stale, restoreOptions(without.Path)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("a log that is there: %v", err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRestoreRefusesARunningHub(t *testing.T) {
	a := newTestApp(t, nil)
	defer closeApp(t, a)
	o := backupOptions(filepath.Join(t.TempDir(), "hub.tar"))
	backUp(t, a.config, o)
	r := restoreOptions(o.Path)
	r.Force = true
	if _, err := Restore(t.Context(), a.config, r); err == nil || !strings.Contains(err.Error(), "another hub is running") {
		t.Errorf("got %v", err)
	}
}

// What is not exactly what was written is refused, in a sentence that says why,
// and leaves nothing behind.
func TestRestoreRefusesDamage(t *testing.T) {
	c := filledHub(t, nil)
	dir := t.TempDir()
	o := backupOptions(filepath.Join(dir, "hub.tar"))
	o.WithKeys = true
	backUp(t, c, o)
	plain := readFile(t, o.Path)
	o.Path = filepath.Join(dir, "hub.tar.gz")
	backUp(t, c, o)
	packed := readFile(t, o.Path)
	members := unpack(t, o.Path)
	at := func(name string) int {
		i := slices.IndexFunc(members, func(m member) bool { return strings.HasPrefix(m.name, name) })
		if i < 0 {
			t.Fatalf("no member %s", name)
		}
		return i
	}
	file := members[at(filesMember)]
	flip := func(all []byte, near []byte) []byte {
		all = bytes.Clone(all)
		i := bytes.LastIndex(all, near)
		if i < 0 {
			t.Fatalf("%q is not in the archive", near)
		}
		all[i] ^= 1
		return all
	}
	manifest := func(change func(m *Manifest)) []byte {
		changed := slices.Clone(members)
		m := &Manifest{}
		last := &changed[len(changed)-1]
		if err := json.Unmarshal(last.content, m); err != nil {
			t.Fatal(err)
		}
		change(m)
		var err error
		if last.content, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		return pack(t, changed)
	}
	without := func(name string) []byte {
		return pack(t, slices.Delete(slices.Clone(members), at(name), at(name)+1))
	}
	database := slices.Clone(members)
	broken := bytes.Clone(members[at(databaseMember)].content)
	copy(broken[len(broken)/2:], bytes.Repeat([]byte{0xff}, 4096))
	database[at(databaseMember)].content = broken
	sum := sha256.Sum256(broken)
	m := &Manifest{}
	if err := json.Unmarshal(database[len(database)-1].content, m); err != nil {
		t.Fatal(err)
	}
	m.Members[at(databaseMember)].SHA256 = hex.EncodeToString(sum[:])
	database[len(database)-1].content, _ = json.Marshal(m)

	for name, tt := range map[string]struct {
		archive []byte
		says    string
	}{
		"nothing":                  {nil, "it is empty"},
		"something else":           {bytes.Repeat([]byte("no archive "), 1000), "is no tar archive"},
		"zeros":                    {make([]byte, 4096), "no manifest"},
		"half":                     {plain[:len(plain)/2], "impossible size"},
		"without its end":          {plain[:len(plain)-2048], "breaks off"},
		"half, compressed":         {packed[:len(packed)/2], "breaks off"},
		"without the checksum":     {packed[:len(packed)-4], "compression breaks off"},
		"another bit, compressed":  {append(bytes.Clone(packed[:len(packed)-8]), 1, 2, 3, 4, 5, 6, 7, 8), "breaks off"},
		"not a compressed one":     {[]byte{0x1f, 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "compression cannot be read"},
		"something behind":         {append(bytes.Clone(plain), 'x'), "something follows its end"},
		"a bit of a file":          {flip(plain, file.content), "is not what the manifest says"},
		"a bit of the database":    {flip(plain, []byte("the deployment began")), `"hub.db" is not what the manifest says`},
		"a bit of the keys":        {flip(plain, members[at(keysMember)].content[40:80]), `"keys" is not what the manifest says`},
		"a bit of the manifest":    {flip(plain, []byte(file.name[6:30])), "is not in its place"},
		"a file less":              {without(file.name), "is not in its place"},
		"no database":              {without(databaseMember), `"keys" is not in its place`},
		"no keys":                  {without(keysMember), `"keys" is missing`},
		"no manifest":              {without(manifestMember), "no manifest"},
		"a file more":              {pack(t, append([]member{{fileMember(strings.Repeat("a", 64)), []byte("x")}}, members...)), "not in its place"},
		"twice":                    {pack(t, append([]member{file}, members...)), "twice"},
		"behind the manifest":      {pack(t, append(slices.Clone(members), member{fileMember(strings.Repeat("a", 64)), nil})), "follows the manifest"},
		"an unreadable manifest":   {pack(t, append(slices.Clone(members[:len(members)-1]), member{manifestMember, []byte("x")})), "manifest cannot be read"},
		"no format":                {manifest(func(m *Manifest) { m.Format = 0 }), "no known format"},
		"a newer format":           {manifest(func(m *Manifest) { m.Format = 2 }), "newer hub"},
		"a newer schema":           {manifest(func(m *Manifest) { m.SchemaVersion = 1 << 40 }), "newer hub"},
		"keys that are not told":   {manifest(func(m *Manifest) { m.Keys = false }), "wrong about the keys"},
		"a hash that is no name":   {renamed(t, members, at(filesMember)), "is not what its name says"},
		"a damaged database":       {pack(t, database), "damaged"},
		"what is no hash":          {manifest(func(m *Manifest) { m.LostFiles = []string{"\x1b[2J"} }), "files that cannot be"},
		"a manifest with no files": {manifest(func(m *Manifest) { m.Members = nil }), "not in its place"},
	} {
		path := filepath.Join(dir, "damaged.tar")
		if err := os.WriteFile(path, tt.archive, 0o600); err != nil {
			t.Fatal(err)
		}
		to := emptyFolder(t, nil)
		_, err := Restore(t.Context(), to, restoreOptions(path))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want …%s…", name, err, tt.says)
		}
		checkUntouched(t, name, to)
	}
}

// renamed gives a file the name of another content, and corrects the manifest.
func renamed(t *testing.T, members []member, i int) []byte {
	t.Helper()
	changed := slices.Clone(members)
	changed[i].name = fileMember(strings.Repeat("ab", 32))
	m := &Manifest{}
	last := &changed[len(changed)-1]
	if err := json.Unmarshal(last.content, m); err != nil {
		t.Fatal(err)
	}
	m.Members[i].Name = changed[i].name
	var err error
	if last.content, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return pack(t, changed)
}

func pack(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.content))})
		if err == nil {
			_, err = w.Write(m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkUntouched sees to it that a refused archive has left nothing but a lock.
func checkUntouched(t *testing.T, name string, c Config) {
	t.Helper()
	parent := filepath.Dir(c.DataDir)
	err := filepath.WalkDir(parent, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "hub.db.lock" {
			t.Errorf("%s: left over: %s", name, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// hostile are headers that an archive of a hub never has.
var hostile = map[string]tar.Header{
	"up":                    {Name: "../hub.db", Typeflag: tar.TypeReg},
	"up, among files":       {Name: "files/../../hub.db", Typeflag: tar.TypeReg},
	"up, as long as a hash": {Name: "files/../" + strings.Repeat("a", 62), Typeflag: tar.TypeReg},
	"absolute":              {Name: "/etc/passwd", Typeflag: tar.TypeReg},
	"another name":          {Name: "hub.yaml", Typeflag: tar.TypeReg},
	"the log":               {Name: "hub.db-wal", Typeflag: tar.TypeReg},
	"capitals":              {Name: "files/AB/" + strings.Repeat("a", 62), Typeflag: tar.TypeReg},
	"a backslash":           {Name: `files\ab\` + strings.Repeat("a", 62), Typeflag: tar.TypeReg},
	"NUL":                   {Name: "hub.db\x00.txt", Typeflag: tar.TypeReg},
	"a folder":              {Name: "files/", Typeflag: tar.TypeDir, Mode: 0o777},
	"a symbolic link":       {Name: "hub.db", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	"a hard link":           {Name: "keys", Typeflag: tar.TypeLink, Linkname: "../keys"},
	"a link among files":    {Name: "files/ab/" + strings.Repeat("a", 62), Typeflag: tar.TypeSymlink, Linkname: "/etc"},
	"a device":              {Name: "hub.db", Typeflag: tar.TypeBlock},
	"a pipe":                {Name: "hub.db", Typeflag: tar.TypeFifo},
	"a huge database":       {Name: "hub.db", Typeflag: tar.TypeReg, Size: 1 << 62, Format: tar.FormatGNU},
	"a huge file":           {Name: "files/ab/" + strings.Repeat("a", 62), Typeflag: tar.TypeReg, Size: 1 << 40, Format: tar.FormatGNU},
	"huge keys":             {Name: "keys", Typeflag: tar.TypeReg, Size: maxKeys + 1},
	"a huge manifest":       {Name: manifestMember, Typeflag: tar.TypeReg, Size: maxManifest + 1},
	"a sparse file":         {Name: "hub.db", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"GNU.sparse.major": "1"}},
	"a global header":       {Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "../x"}, Name: "x"},
}

func TestRestoreRefusesHostileArchives(t *testing.T) {
	for name, header := range hostile {
		for _, compressed := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "hostile")
			if err := os.WriteFile(path, hostileArchive(t, header, compressed), 0o600); err != nil {
				t.Fatal(err)
			}
			to := emptyFolder(t, nil)
			_, err := Restore(t.Context(), to, restoreOptions(path))
			if hub.CodeOf(err) != hub.Invalid || !strings.Contains(err.Error(), "no whole backup") {
				t.Errorf("%s: %v", name, err)
			}
			checkUntouched(t, name, to)
		}
	}
}

// hostileArchive begins with a header, and goes on with some megabytes.
func hostileArchive(t testing.TB, header tar.Header, compressed bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&header); err != nil {
		// The writer refuses some of them; then the name is put in by hand.
		name := header.Name
		header.Name, header.PAXRecords = strings.Repeat("n", len(name)), nil
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		raw := bytes.Replace(b.Bytes(), []byte(header.Name), []byte(name), 1)
		b.Reset()
		b.Write(withChecksum(raw))
	}
	b.Write(make([]byte, 3<<20))
	if !compressed {
		return b.Bytes()
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// withChecksum corrects the checksum of a header (POSIX pax, "ustar Interchange
// Format").
func withChecksum(header []byte) []byte {
	copy(header[148:156], "        ")
	sum := 0
	for _, c := range header[:512] {
		sum += int(c)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return header
}

// A compressed archive may promise more than there can be on any disk.
func TestRestoreRefusesABomb(t *testing.T) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	const size = 64 << 20
	if err := w.WriteHeader(&tar.Header{Name: "hub.db", Mode: 0o600, Size: size}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bomb.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	to := emptyFolder(t, nil)
	free, err := freeBytes(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	to.DiskReserve = free - size/2
	if _, err := Restore(t.Context(), to, restoreOptions(path)); hub.CodeOf(err) != hub.StorageFull {
		t.Errorf("got %v", err)
	}
	checkUntouched(t, "bomb", to)
}

func FuzzReadArchive(f *testing.F) {
	for _, header := range hostile {
		f.Add(hostileArchive(f, header, false)[:2048])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readArchive(bytes.NewReader(b))
		if err != nil {
			return
		}
		for range 1000 {
			m, err := r.next()
			if err != nil {
				return
			}
			if m.Name != databaseMember && m.Name != keysMember && m.Name != manifestMember && hashOf(m.Name) == "" || m.Size > r.limit {
				t.Fatalf("%+v was handed out", m)
			}
			if err := r.read(t.Context(), &m, io.Discard); err != nil {
				return
			}
		}
	})
}

// A backup of a hub on Postgres is of the same form, and goes to either database.
func TestBackupOfPostgres(t *testing.T) {
	keys := map[string]string{"HUB_SECRET_KEYS": "k1:" + keyText}
	env := map[string]string{"HUB_DATABASE_URL": postgrestest.URL(t), "HUB_SECRET_KEYS": "k1:" + keyText}
	c := filledHub(t, env)
	o := backupOptions(filepath.Join(t.TempDir(), "hub.tar.gz"))
	running := newTestApp(t, map[string]string{"HUB_DATA_DIR": c.DataDir, "HUB_DATABASE_URL": env["HUB_DATABASE_URL"], "HUB_SECRET_KEYS": env["HUB_SECRET_KEYS"]})
	made := backUp(t, c, o)
	closeApp(t, running)
	if !made.Postgres || made.Files != len(said) || made.Rows["nchat_messages"] != int64(len(said)) {
		t.Errorf("%+v", made.Manifest)
	}

	embedded := emptyFolder(t, keys)
	if report, err := Restore(t.Context(), embedded, restoreOptions(o.Path)); err != nil || !report.Verify.Clean() || report.KeysFit != KeysFit {
		t.Fatalf("%+v, %v", report, err)
	}
	checkHub(t, embedded)

	env["HUB_DATABASE_URL"] = postgrestest.URL(t)
	other := emptyFolder(t, env)
	force := restoreOptions(o.Path)
	force.Force = true
	if _, err := Restore(t.Context(), other, force); hub.CodeOf(err) != hub.Invalid {
		t.Errorf("--force on Postgres: %v", err)
	}
	// It goes on after an interruption.
	ctx, cancel := context.WithCancel(t.Context())
	cut := restoreOptions(o.Path)
	steps := 0
	cut.Progress = func(p Progress) {
		if strings.HasPrefix(p.Step, "copy ") {
			if steps++; steps == 9 {
				cancel()
			}
		}
	}
	if _, err := Restore(ctx, other, cut); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	err := WithDatabase(t.Context(), other, func(context.Context, *Database) error { return nil })
	if hub.CodeOf(err) != hub.Conflict || !strings.Contains(err.Error(), "Run `hub restore` again") {
		t.Errorf("half a restored database: %v", err)
	}
	report, err := Restore(t.Context(), other, restoreOptions(o.Path))
	if err != nil || !report.Verify.Clean() || report.KeysFit != KeysFit {
		t.Fatalf("%+v, %v", report, err)
	}
	if left, err := filepath.Glob(filepath.Join(other.DataDir, ".restore*")); err != nil || left != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
	checkHub(t, other)
	if _, err := Restore(t.Context(), other, restoreOptions(o.Path)); hub.CodeOf(err) != hub.Conflict {
		t.Errorf("a second time: %v", err)
	}
}

func TestMigrate(t *testing.T) {
	c := filledHub(t, nil)
	url := postgrestest.URL(t)
	o := MigrateOptions{To: url, DryRun: true, Progress: func(Progress) {}}
	if report, err := Migrate(t.Context(), c, o); err != nil || !report.DryRun || report.KeysFit != "" || report.Tables[0].Rows == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	o.DryRun = false
	report, err := Migrate(t.Context(), c, o)
	if err != nil || !report.Verify.Clean() || report.KeysFit != KeysFit || report.FilesDir != c.Files.Dir {
		t.Fatalf("%+v, %v", report, err)
	}
	moved := c
	moved.Database.URL, moved.Database.Postgres = secret.New(url), true
	checkHub(t, moved)

	// And back, with the URLs of the configuration.
	back := filepath.Join(t.TempDir(), "made", "hub.db")
	report, err = Migrate(t.Context(), moved, MigrateOptions{To: "sqlite://" + back, Progress: func(Progress) {}})
	if err != nil || !report.Verify.Clean() {
		t.Fatalf("%+v, %v", report, err)
	}
	if report.From != strings.ReplaceAll(report.From, "@", "") {
		t.Errorf("the report shows a user: %s", report.From)
	}
	for name, o := range map[string]MigrateOptions{
		"no target": {}, "no URL": {To: "hunter22"}, "no source URL": {To: url, From: "hunter22"}, "no source": {From: "sqlite:///none/hub.db", To: url},
	} {
		o.Progress = func(Progress) {}
		if _, err := Migrate(t.Context(), c, o); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
