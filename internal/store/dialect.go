package store

// The two databases share the text of nearly every statement: placeholders are
// $1, $2, …, truth values TRUE and FALSE, ids canonical UUIDs, and a parameter
// stands where its type is plain from its neighbours. Where their words differ,
// the code asks which one it is on.

// onPostgres reports whether the database is Postgres.
func (s *Store) onPostgres() bool { return s.pg != nil }

// onPostgres reports whether the database is Postgres.
func (t *tx) onPostgres() bool { return t.w.bulk }
