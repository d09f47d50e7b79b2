package store

// The two databases share the text of nearly every statement: placeholders are
// $1, $2, …, truth values TRUE and FALSE, ids canonical UUIDs, and a parameter
// stands where its type is plain from its neighbours. Where their words differ,
// the code asks which one it is on.

// onPostgres reports whether the database is Postgres.
func (s *Store) onPostgres() bool { return s.pg != nil }

// onPostgres reports whether the database is Postgres.
func (t *tx) onPostgres() bool { return t.w.bulk }

// within returns the condition that column is $1 and id lies between $2 and $3,
// both excluded, and the orders by id, for an index of column and id.
//
// Postgres is asked in a way that no other index serves: it likes to walk the
// index of all ids and to look for its rows on the way, which takes long where
// they are old. An array of one value keeps it from seeing that the order by
// column is none.
func within(onPostgres bool, column, id string) (where, newest, oldest string) {
	where = " AND " + id + " > $2 AND " + id + " < $3"
	if onPostgres {
		return column + " = ANY (ARRAY[$1::uuid])" + where, column + " DESC, " + id + " DESC", column + ", " + id
	}
	return column + " = $1" + where, id + " DESC", id
}
