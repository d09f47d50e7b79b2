//go:build !fault

package fault

import "time"

// Point does nothing in this build.
func Point(string) {}

// Now is the clock: time.Now in this build.
func Now() time.Time { return time.Now() }
