package hub

import "time"

// Retention says which finished events a clean-up may remove.
type Retention struct {
	// Events go when all their deliveries were finished before FinishedBefore,
	// and none failed since FailedBefore.
	FinishedBefore, FailedBefore time.Time
}

// Pruned counts what a clean-up removed.
type Pruned struct {
	Events, Deliveries, Attempts int
	// Weeks were dropped as a whole, with deliveries counted above.
	Weeks int
	// More: there may be more to remove right away.
	More bool
}
