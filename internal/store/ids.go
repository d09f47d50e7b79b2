package store

// The ends of the order of ids, for queries that begin or end anywhere: on
// Postgres a column of ids takes nothing but UUIDs.
const (
	lowestID  = "00000000-0000-0000-0000-000000000000"
	highestID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

// from returns id, or what is below every id.
func from[T ~string](id T) string {
	if id == "" {
		return lowestID
	}
	return string(id)
}

// upTo returns id, or what is above every id.
func upTo[T ~string](id T) string {
	if id == "" {
		return highestID
	}
	return string(id)
}
