package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	hubReadyTimeout = 30 * time.Second
	hubStopTimeout  = 10 * time.Second // from SIGTERM to SIGKILL
	logTail         = 4 << 10          // bytes of the hub's log shown when it fails
)

// hubProcess is a hub started by the harness, with a data folder of its own.
type hubProcess struct {
	cmd       *exec.Cmd
	dir       string // holds data/ and hub.log
	token     string
	base      string // http://127.0.0.1:port
	pprofAddr string // empty unless asked for
	readyIn   time.Duration
	exited    chan struct{} // closed when the process has ended; waitErr is set before
	waitErr   error
	log       *os.File
}

// hubConfig is what differs between one start and another.
type hubConfig struct {
	binary  string
	dir     string // created when it is not there
	token   string // of the owner
	env     []string
	profile bool
}

// hubPackage is the hub's program; its folder holds the profile that releases are optimised by.
const hubPackage = "github.com/nself-chat/hub/cmd/hub"

// buildHub builds the hub from the module in which the harness was started, as a release is built (.ci/release):
// without cgo, and by the profile.
func buildHub(ctx context.Context, dir string) (string, error) {
	folder, err := goTool(ctx, "list", "-f", "{{.Dir}}", hubPackage)
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "hub")
	_, err = goTool(ctx, "build", "-trimpath", "-pgo="+filepath.Join(folder, "release.pgo"), "-o", out, hubPackage)
	return out, err
}

// goTool runs the go command and returns what it prints.
func goTool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// startHub starts a hub and returns when it is ready. The caller owns it and must stop it.
func startHub(ctx context.Context, cfg hubConfig) (*hubProcess, error) {
	if err := os.MkdirAll(cfg.dir, 0o700); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	h := &hubProcess{dir: cfg.dir, token: cfg.token, base: "http://" + addr, exited: make(chan struct{})}
	env := append(inheritedEnv(), "HUB_ADDR="+addr, "HUB_DATA_DIR="+h.dataDir(), "HUB_ADMIN_TOKEN="+h.token)
	if cfg.profile {
		if h.pprofAddr, err = freeAddr(ctx); err != nil {
			return nil, err
		}
		env = append(env, "HUB_PPROF_ADDR="+h.pprofAddr)
	}
	if h.log, err = os.Create(filepath.Join(cfg.dir, "hub.log")); err != nil {
		return nil, err
	}
	// Not CommandContext: a hub is ended by stop, which lets it end in order.
	h.cmd = exec.Command(cfg.binary, "serve") //nolint:noctx // see above
	h.cmd.Dir = cfg.dir
	h.cmd.SysProcAttr = diesWithHarness()
	h.cmd.Env = append(env, cfg.env...)
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	started := time.Now()
	if err := h.cmd.Start(); err != nil {
		return nil, errors.Join(err, h.log.Close())
	}
	go func() {
		h.waitErr = h.cmd.Wait()
		close(h.exited)
	}()
	if err := h.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("hub: %w; its log ends:\n%s", err, h.tail()), h.stop())
	}
	h.readyIn = time.Since(started)
	return h, nil
}

// inheritedEnv is the harness's environment without what configures a hub.
func inheritedEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HUB_") && !strings.HasPrefix(kv, "REDIS_") && !strings.HasPrefix(kv, "DEBUG=") {
			env = append(env, kv)
		}
	}
	return env
}

// freeAddr is a loopback address on which nobody listens now.
func freeAddr(ctx context.Context) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func (h *hubProcess) dataDir() string { return filepath.Join(h.dir, "data") }

func (h *hubProcess) pid() int { return h.cmd.Process.Pid }

// awaitReady returns when GET /readyz answers 200, or with an error if the process ends or time runs out.
func (h *hubProcess) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hubReadyTimeout)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		if isOK(ctx, client, h.base+"/readyz") {
			return nil
		}
		select {
		case <-poll.C:
		case <-h.exited:
			return fmt.Errorf("ended before it was ready: %w", errors.Join(h.waitErr, errors.New("exit")))
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		}
	}
}

func isOK(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// stop ends the hub: SIGTERM, and SIGKILL when that takes too long, which is an error. Stopping a hub that had ended
// before is an error as well: it died under load.
func (h *hubProcess) stop() error {
	defer h.log.Close()
	select {
	case <-h.exited:
		return fmt.Errorf("hub ended by itself: %w; its log ends:\n%s", errors.Join(h.waitErr, errors.New("exit")), h.tail())
	default:
	}
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(hubStopTimeout)
	defer timer.Stop()
	select {
	case <-h.exited:
		return nil
	case <-timer.C:
	}
	err := h.cmd.Process.Kill()
	<-h.exited
	return errors.Join(err, fmt.Errorf("hub did not stop within %v of SIGTERM", hubStopTimeout))
}

// tail is the end of the hub's log without the token.
func (h *hubProcess) tail() string {
	b, err := os.ReadFile(h.log.Name())
	if err != nil {
		return err.Error()
	}
	b = b[max(0, len(b)-logTail):]
	return string(bytes.TrimSpace(bytes.ReplaceAll(b, []byte(h.token), []byte("hub_…"))))
}
