package main

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// listenLoopbackHosts listens on one port of all loopback addresses, and of no others: the socket is tied to the interface
// lo (socket(7), SO_BINDTODEVICE), for which Linux asks no privilege since 5.7.
func listenLoopbackHosts(ctx context.Context) (net.Listener, error) {
	lo := func(_, _ string, c syscall.RawConn) error {
		var err error
		controlErr := c.Control(func(fd uintptr) { err = syscall.BindToDevice(int(fd), "lo") })
		return errors.Join(controlErr, err)
	}
	return (&net.ListenConfig{Control: lo}).Listen(ctx, "tcp4", "0.0.0.0:0")
}
