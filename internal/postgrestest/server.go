package postgrestest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Mode is how a server is stopped: PostgreSQL documentation, "Shutting Down
// the Server".
type Mode string

const (
	// Fast ends sessions and rolls back what they had open, then writes
	// everything to disk.
	Fast Mode = "fast"
	// Immediate ends everything at once, as a crash does: the next start
	// recovers from the write-ahead log.
	Immediate Mode = "immediate"
)

var signals = map[Mode]syscall.Signal{Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}

// Server is a Postgres that belongs to one test, which may stop and start it.
// It keeps its port and its data while it is down. The methods fail the test
// when a step fails or takes longer than a minute; they are called from the
// test's goroutine, one at a time, except for URL.
type Server struct {
	tb      testing.TB
	program string
	dir     string // holds data and log
	port    int
	account *syscall.Credential

	process *os.Process
	ended   chan struct{} // closed when the process has ended
}

// Start makes a server with empty databases and waits until it answers. It
// ends with the test, and on Linux also when the test's process is killed.
// Under root it runs as the user postgres, or nobody, for Postgres refuses
// root: the folder for temporary files must be open to that user.
func Start(tb testing.TB) *Server {
	tb.Helper()
	bin := variable(tb, "HUB_TEST_POSTGRES_BIN")
	dir, err := os.MkdirTemp("", "hub-postgres.")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, program: filepath.Join(bin, "postgres"), dir: dir, account: account(tb), port: freePort(tb)}
	tb.Cleanup(s.remove)
	s.create(filepath.Join(bin, "initdb"))
	s.Start()
	return s
}

// URL is that of the database "postgres", which is empty at first, for the
// superuser. It is the same after a restart.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

// Start starts the server after Stop and returns when it accepts connections.
func (s *Server) Start() {
	s.tb.Helper()
	if s.process != nil {
		s.tb.Fatal("Postgres runs already")
	}
	cmd := exec.Command(s.program, "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=200", "-c", "shared_buffers=128MB")
	s.asAccount(cmd)
	endWithParent(cmd.SysProcAttr)
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.process, s.ended = cmd.Process, ended
	s.await()
}

// Stop stops the server and returns when its process has ended.
func (s *Server) Stop(mode Mode) {
	s.tb.Helper()
	signal, known := signals[mode]
	if !known || s.process == nil {
		s.tb.Fatalf("stopping Postgres in mode %q: no such mode, or stopped before", mode)
	}
	process := s.process
	s.process = nil
	_ = process.Signal(signal) // one that has ended by itself is stopped, too
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = process.Kill()
		<-s.ended
		s.tb.Fatalf("Postgres did not stop in mode %s within %s", mode, patience)
	}
}

// Restart stops the server and starts it again.
func (s *Server) Restart(mode Mode) {
	s.tb.Helper()
	s.Stop(mode)
	s.Start()
}

// Demote restarts the server as a standby, which is read-only, as a primary is
// whose place another one took. Its primary is never found.
func (s *Server) Demote() {
	s.tb.Helper()
	s.Stop(Fast)
	signal := filepath.Join(s.data(), "standby.signal")
	err := os.WriteFile(signal, nil, 0o600)
	if err == nil && s.account != nil {
		err = os.Chown(signal, int(s.account.Uid), int(s.account.Gid))
	}
	if err != nil {
		s.tb.Fatal(err)
	}
	s.Start()
}

// Promote makes a standby a primary and returns when it is one.
func (s *Server) Promote() {
	s.tb.Helper()
	execute(s.tb, s.URL(), "SELECT pg_promote()")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// create makes the databases of a new server.
func (s *Server) create(initdb string) {
	s.tb.Helper()
	if s.account != nil {
		if err := os.Chown(s.dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
			s.tb.Fatal(err)
		}
	}
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // for it has no other with this encoding
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, initdb, "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale="+locale, "--no-sync")
	s.asAccount(cmd)
	if output, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("initdb: %v\n%s", err, output)
	}
}

// asAccount lets cmd run in the server's folder, as its user, and out of reach
// of a Ctrl-C for the tests.
func (s *Server) asAccount(cmd *exec.Cmd) {
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.account}
}

// await returns when the server accepts connections.
func (s *Server) await() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-again.C:
		case <-s.ended:
			s.tb.Fatal("Postgres ended at its start")
		case <-ctx.Done():
			s.tb.Fatalf("Postgres does not answer within %s: %v", patience, err)
		}
	}
}

// remove ends the server for good. What it logged explains a failed test.
func (s *Server) remove() {
	if s.process != nil {
		s.Stop(Immediate)
	}
	if s.tb.Failed() {
		log, _ := os.ReadFile(s.log())
		lines := strings.SplitAfter(string(log), "\n")
		s.tb.Logf("the end of the log of Postgres:\n%s", strings.Join(lines[max(0, len(lines)-20):], ""))
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.tb.Error(err)
	}
}

// account is whom the server runs as: nil for whom the test runs as.
func account(tb testing.TB) *syscall.Credential {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	found, err := user.Lookup("postgres")
	if err != nil {
		found, err = user.Lookup("nobody")
	}
	if err != nil {
		tb.Fatalf("Postgres refuses to run as root: %v", err)
	}
	uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		tb.Fatalf("the user %s has no number", found.Username)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// freePort finds a port below those that systems give to clients, so that
// nobody takes it while the server is down.
func freePort(tb testing.TB) int {
	tb.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	tb.Fatal("no free port")
	return 0
}
