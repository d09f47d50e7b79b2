package main

import "syscall"

// diesWithHarness has the kernel kill the hub when the harness dies without having stopped it (prctl(2),
// PR_SET_PDEATHSIG). It hangs on the thread that starts the hub; Go ends a thread only when a goroutine locked to it
// returns, and the harness locks none.
func diesWithHarness() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
