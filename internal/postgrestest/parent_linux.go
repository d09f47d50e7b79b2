package postgrestest

import "syscall"

// endWithParent has the kernel stop the process when ours is killed, as a test
// that ran into its time limit is: its cleanup never runs. See prctl(2),
// PR_SET_PDEATHSIG; for Postgres the signal is an immediate shutdown.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
