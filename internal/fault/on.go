//go:build fault

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var armed = sync.OnceValues(func() (string, int64) {
	name, count, _ := strings.Cut(os.Getenv("HUB_FAULT"), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		n = 1
	}
	return name, n
})

var reached atomic.Int64

// Point ends the process with SIGKILL when HUB_FAULT names this point and it
// is reached for the n-th time.
func Point(name string) {
	want, n := armed()
	if name == want && reached.Add(1) == n {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way; do not run on
	}
}

var ahead = sync.OnceValue(func() time.Duration {
	d, err := time.ParseDuration(os.Getenv("HUB_FAULT_CLOCK"))
	if err != nil {
		return 0
	}
	return d
})

// Now is the clock, as wrong as HUB_FAULT_CLOCK says.
func Now() time.Time { return time.Now().Add(ahead()) }
