package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/nself-chat/hub/internal/app"
)

const (
	// clockTolerance is what receivers of webhooks commonly allow between their clock and the sender's
	// (Standard Webhooks: five minutes).
	clockTolerance = 5 * time.Minute
	// lowSpace is little free space where no reserve is kept: the usual reserve.
	lowSpace = 256 << 20
)

// checks returns the checks in the order in which their results help each other. When the configuration cannot be
// read there is nothing else to look at.
func (d *doctor) checks(load func() (app.Config, error)) []Check {
	config, err := load()
	checks := []Check{
		{"configuration", func(context.Context) (string, error) { return checkConfiguration(config, err) }},
		{"environment", func(context.Context) (string, error) { return d.checkEnvironment() }},
	}
	if err != nil {
		return checks
	}
	checks = append(checks,
		Check{"data folder", func(context.Context) (string, error) { return d.checkDataFolder(config) }},
		Check{"files folder", func(context.Context) (string, error) { return checkFiles(config) }},
		Check{"disk space", func(context.Context) (string, error) { return d.checkDiskSpace(config) }})
	checks = append(checks, d.databaseChecks(config)...)
	checks = append(checks,
		Check{"keys", func(context.Context) (string, error) { return checkKeys(config) }},
		Check{"address", func(ctx context.Context) (string, error) { return d.checkAddress(ctx, config) }},
		Check{"clock", func(context.Context) (string, error) { return d.checkClock(config) }},
		Check{"base URL", func(context.Context) (string, error) { return checkBaseURL(config) }},
		Check{"reverse proxy", func(context.Context) (string, error) { return checkProxy(config) }},
		Check{"admin token", func(context.Context) (string, error) { return checkAdminToken(config) }},
		Check{"profiler", func(context.Context) (string, error) { return checkProfiler(config) }})
	return checks
}

// checkConfiguration also looks at who may read a file that holds secrets.
func checkConfiguration(config app.Config, loadError error) (string, error) {
	if loadError != nil {
		return "", loadError
	}
	if config.File == "" {
		return "valid; no configuration file", nil
	}
	info, err := os.Stat(config.File)
	if err != nil {
		return "", err
	}
	for _, s := range config.Describe() {
		if s.Secret && s.Source == app.SourceFile && info.Mode().Perm()&0o077 != 0 {
			return "", warnf("%s holds a secret (%s) and other users of this machine may read it: run chmod 600 %s",
				config.File, s.Key, config.File)
		}
	}
	return "valid; " + config.File, nil
}

// checkEnvironment looks for misspelt variables.
func (d *doctor) checkEnvironment() (string, error) {
	if doubts := misspelt(d.environ()); doubts != nil {
		return "", warning(strings.Join(doubts, "\n"))
	}
	return "no misspelt variable", nil
}

// misspelt names the variables that look like a setting and are none. Others that begin with HUB_ are left alone: a
// cluster sets such names for a service called hub.
func misspelt(environ []string) (doubts []string) {
	known := []string{"HUB_CONFIG", listenSecretEnv}
	for _, s := range (app.Config{}).Describe() {
		known = append(known, s.Env)
	}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "HUB_") || slices.Contains(known, name) {
			continue
		}
		for _, candidate := range known {
			if editDistance(name, candidate) <= 2 {
				doubts = append(doubts, fmt.Sprintf("%s is not a setting; is %s meant?", name, candidate))
				break
			}
		}
	}
	return doubts
}

// editDistance counts the bytes to insert, delete or replace to turn a into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func (d *doctor) checkDataFolder(config app.Config) (string, error) {
	folder := config.DataDir
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		parent := existingParent(folder)
		if err := d.write(parent); err != nil {
			if err := diskRefuses(parent, err); err != nil {
				return "", err
			}
			return "", fmt.Errorf("%s does not exist and cannot be made in %s: %w: "+
				"make it, owned by the user of the hub, or choose another with HUB_DATA_DIR", folder, parent, err)
		}
		return folder + " does not exist yet; the first start makes it", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot look at %s: %w", folder, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is not a folder: move it away, or choose another with HUB_DATA_DIR", folder)
	}
	if err := d.write(folder); err != nil {
		if err := diskRefuses(folder, err); err != nil {
			return "", err
		}
		return "", fmt.Errorf("cannot write in %s: %w: give it to the user of the hub (chown), "+
			"or choose another with HUB_DATA_DIR", folder, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", warnf("%s is open to all users of this machine (mode %04o): run chmod 700 %s",
			folder, info.Mode().Perm(), folder)
	}
	return folder + " is there and writable", nil
}

// diskRefuses says what is wrong when a folder cannot be written in whoever its owner is; nil when that is not it.
func diskRefuses(folder string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("nothing can be written in %s, its disk is full: delete something, or make the disk or the quota larger", folder)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("nothing can be written in %s, its disk is mounted read-only: mount it for writing; "+
			"one with errors is made read-only by the system (dmesg says so)", folder)
	}
	return nil
}

// existingParent returns the nearest folder above path that exists.
func existingParent(path string) string {
	for {
		parent := filepath.Dir(path)
		if _, err := os.Stat(parent); err == nil || parent == path {
			return parent
		}
		path = parent
	}
}

// tryToWrite asks the file system itself, because modes do not know of read-only mounts and quotas.
func tryToWrite(folder string) error {
	f, err := os.CreateTemp(folder, ".hub-doctor-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func (d *doctor) checkDiskSpace(config app.Config) (string, error) {
	fullest, free := "", uint64(0)
	for _, folder := range config.DiskFolders() {
		n, err := d.free(folder)
		if err != nil {
			return "", fmt.Errorf("cannot ask for the free space of %s: %w", folder, err)
		}
		if fullest == "" || n < free {
			fullest, free = folder, n
		}
	}
	reserve := uint64(config.DiskReserve) // never negative
	switch {
	case reserve == 0 && free < lowSpace:
		return "", warnf("%s free on the disk of %s, and nothing is kept in reserve: when it is full, what was sent cannot be recorded, "+
			"and is sent again; make room, or set HUB_DISK_RESERVE", megabytes(free), fullest)
	case free < reserve:
		return "", fmt.Errorf("%s free on the disk of %s, less than the reserve of %s: the hub refuses new work until there is more "+
			"(delete something, or lower HUB_DISK_RESERVE)", megabytes(free), fullest, megabytes(reserve))
	case free < 2*reserve:
		return "", warnf("%s free on the disk of %s, close to the reserve of %s below which the hub refuses new work: make room soon",
			megabytes(free), fullest, megabytes(reserve))
	}
	return fmt.Sprintf("%s free, %s kept in reserve", megabytes(free), megabytes(reserve)), nil
}

func megabytes(n uint64) string { return fmt.Sprintf("%d MB", n/1_000_000) }

// databaseChecks leaves out a database that the first start has yet to make: opening it would make it.
func (d *doctor) databaseChecks(config app.Config) []Check {
	if config.Database.Postgres {
		return d.database(config)
	}
	path := config.Database.Path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Check{{"database", func(ctx context.Context) (string, error) { return d.checkNewDatabase(ctx, config) }}}
	case err != nil:
		return []Check{{"database", func(context.Context) (string, error) { return "", err }}}
	case !info.Mode().IsRegular():
		return []Check{{"database", func(context.Context) (string, error) {
			return "", fmt.Errorf("%s is not a file: move it away, or choose another with HUB_DATABASE_URL", path)
		}}}
	}
	if info.Size() == 0 {
		if doubt, err := config.CheckNewDatabase(); doubt != "" || err != nil {
			return []Check{{"database", func(context.Context) (string, error) { return "", newDatabaseError(doubt, err) }}}
		}
	}
	return d.database(config)
}

// checkNewDatabase is the check of a database that is not there.
func (d *doctor) checkNewDatabase(ctx context.Context, config app.Config) (string, error) {
	if base, err := localURL(config.Addr); err == nil && base != "" {
		if status, err := d.get(ctx, base+"/healthz"); err == nil && status == http.StatusOK {
			return "", fmt.Errorf("%s is missing although a hub runs at %s: give the doctor the settings of that hub; if these are, "+
				"its database was deleted: put it back, or stop the hub and restore a backup", config.Database.Path, config.Addr)
		}
	}
	if err := newDatabaseError(config.CheckNewDatabase()); err != nil {
		return "", err
	}
	return config.Database.Path + " does not exist yet; the first start makes it", nil
}

// newDatabaseError turns what [app.Config.CheckNewDatabase] says into a finding.
func newDatabaseError(doubt string, err error) error {
	if err == nil && doubt != "" {
		return warning(doubt)
	}
	return err
}

func checkFiles(config app.Config) (string, error) {
	exists, err := config.CheckFiles()
	if err != nil {
		return "", err
	}
	if !exists {
		return config.Files.Dir + " does not exist yet; the first upload makes it", nil
	}
	return config.Files.Dir + " is there and writable", nil
}

func checkKeys(config app.Config) (string, error) {
	ids, err := config.CheckKeys()
	place := config.KeysFile()
	if !config.SecretKeys.IsZero() {
		place = "the configuration"
	}
	if errors.Is(err, fs.ErrNotExist) {
		if config.Database.Postgres {
			return place + " does not exist yet; the first start on a new database makes it, and all hubs of the database need the same", nil
		}
		if isFile(config.Database.Path) {
			return "", fmt.Errorf("%s is missing although there is a database with secrets sealed by it: the hub does not start; "+
				"restore the file from a backup, or set HUB_SECRET_KEYS", place)
		}
		return place + " does not exist yet; the first start makes it", nil
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d in %s, %q seals", len(ids), place, ids[0]), nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// checkAddress tells a running hub from another program and from a free port.
func (d *doctor) checkAddress(ctx context.Context, config app.Config) (string, error) {
	base, err := localURL(config.Addr)
	if err != nil {
		return "", err // the configuration was checked
	}
	if base == "" {
		return "the system chooses a port at each start", nil
	}
	status, err := d.get(ctx, base+"/healthz")
	var opError *net.OpError
	if isTimeout(err) {
		if detail, err := d.checkPortFree(config.Addr); !errors.Is(err, syscall.EADDRINUSE) {
			return detail, err
		}
		return "", checkSilent(ctx, config)
	}
	if errors.As(err, &opError) && opError.Op == "dial" {
		return d.checkPortFree(config.Addr)
	}
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("another program answers at %s: stop it, or choose another address with HUB_ADDR", config.Addr)
	}
	status, err = d.get(ctx, base+"/readyz")
	if err != nil {
		return "", warnf("a hub runs at %s but does not say whether it is ready: look at its log", config.Addr)
	}
	if status != http.StatusOK {
		return "", warnf("a hub runs at %s but is not ready (GET /readyz answers %d): look at its log", config.Addr, status)
	}
	return "a hub runs at " + config.Addr + " and is ready", nil
}

// isTimeout reports whether err is that of an address from which no answer came in time.
func isTimeout(err error) bool {
	if _, unresolved := errors.AsType[*net.DNSError](err); unresolved {
		return false
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// checkSilent tells a hub that hangs from another program: its socket takes connections also when it has no file
// descriptor left, and when it is frozen.
func checkSilent(ctx context.Context, config app.Config) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", config.SocketPath())
	if err != nil {
		return fmt.Errorf("what listens at %s does not answer in time: if it is a hub, it hangs, or has too much to do, so look at its log; "+
			"if not, stop it, or choose another address with HUB_ADDR", config.Addr)
	}
	_ = conn.Close()
	return fmt.Errorf("the hub of %s runs, and does not answer in time at %s: it hangs, has too much to do, or has no file descriptor left; "+
		"look at its log, then restart it", config.DataDir, config.Addr)
}

// localURL is where a hub that listens on addr is reached from this machine; ""
// when the system chooses its port.
func localURL(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

func (d *doctor) get(ctx context.Context, address string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

func (d *doctor) checkPortFree(addr string) (string, error) {
	listener, err := d.listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("cannot listen on %s: %w: choose another address with HUB_ADDR", addr, err)
	}
	if err := listener.Close(); err != nil {
		return "", err
	}
	return addr + " is free", nil
}

// checkClock compares the clock with times that are certainly past: a clock that is wrong makes signatures fail and
// deliveries wait.
func (d *doctor) checkClock(config app.Config) (string, error) {
	now := d.now()
	if now.Before(d.built) {
		return "", fmt.Errorf("the clock says %s, which is before this program was made (%s): set the clock, "+
			"and switch time synchronisation on (timedatectl set-ntp true)", stamp(now), stamp(d.built))
	}
	for _, path := range []string{config.Database.Path, config.Database.Path + "-wal", config.KeysFile()} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && info.ModTime().After(now.Add(clockTolerance)) {
			return "", warnf("the clock says %s, but %s was written at %s: the clock went back, or was wrong then; "+
				"check time synchronisation", stamp(now), path, stamp(info.ModTime()))
		}
	}
	return stamp(now) + ", after everything on disk", nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkBaseURL judges by the form: whether others reach it cannot be seen from here.
func checkBaseURL(config app.Config) (string, error) {
	if config.BaseURL == "" {
		if config.ListensOnLoopback() {
			return "not set; links use " + config.PublicURL(config.Addr), nil
		}
		return "", warnf("not set, and the hub listens on %s: set HUB_BASE_URL to the URL that others reach it by; "+
			"links and webhook URLs use %s until then", config.Addr, config.PublicURL(config.Addr))
	}
	u, err := url.Parse(config.BaseURL)
	if err != nil {
		return "", errors.New("HUB_BASE_URL is not a URL") // the configuration was checked
	}
	if onlyLocal(u.Hostname()) {
		return "", warnf("%s can be reached from this machine or network only: services on the internet cannot deliver "+
			"webhooks to it", config.BaseURL)
	}
	if u.Scheme != "https" {
		return "", warnf("%s is not encrypted, and webhook tokens are part of URLs: put a TLS proxy in front and use https",
			config.BaseURL)
	}
	return config.BaseURL, nil
}

// onlyLocal reports whether a host name or address means nothing on the internet (RFC 6761, RFC 6762, RFC 8375).
func onlyLocal(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

// checkProxy: the hub speaks plain HTTP, so behind an https URL there is a proxy, and every call seems to come from it
// unless the hub believes what the proxy says.
func checkProxy(config app.Config) (string, error) {
	if strings.HasPrefix(config.BaseURL, "https://") && len(config.Incoming.TrustedProxies) == 0 {
		return "", warnf("the base URL is https, so a proxy stands in front of the hub, but none is trusted: all clients share " +
			"one rate limit; set HUB_TRUSTED_PROXIES to the address of the proxy (such as 127.0.0.1)")
	}
	for _, network := range config.Incoming.TrustedProxies {
		if network.Bits() == 0 {
			return "", warnf("%s trusts everyone: any client can pretend to be any address; "+
				"set HUB_TRUSTED_PROXIES to the proxy alone", network)
		}
	}
	return fmt.Sprintf("trusted networks: %d", len(config.Incoming.TrustedProxies)), nil
}

func checkAdminToken(config app.Config) (string, error) {
	if config.AdminToken.IsZero() {
		return "not set; the first start makes one and prints it", nil
	}
	return "set", nil
}

func checkProfiler(config app.Config) (string, error) {
	switch {
	case config.PprofAddr == "":
		return "off", nil
	case !app.IsLoopback(config.PprofAddr):
		return "", warnf("%s can be reached from other machines, and the profiler shows the memory of the hub: "+
			"use a loopback address for HUB_PPROF_ADDR", config.PprofAddr)
	}
	return "on at " + config.PprofAddr, nil
}
