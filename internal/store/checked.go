package store

import "time"

// checked asks check, which may be nil, about what a change found.
func checked[T any](check func(T) error, found T) error {
	if check == nil {
		return nil
	}
	return check(found)
}

// later returns now, or the first microsecond after prev: the time of a change is
// the version of its row, and tells it from the one before.
func later(prev, now time.Time) time.Time {
	if now.After(prev) {
		return now
	}
	return prev.Add(time.Microsecond)
}
