//go:build !linux

package postgrestest

import "syscall"

// endWithParent does nothing: only Linux can say so.
func endWithParent(*syscall.SysProcAttr) {}
