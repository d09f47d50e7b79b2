package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"time"
)

// page is one page of a list.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"nextCursor"`
}

// pageSize is how many items are asked for at once, unless an option says
// otherwise; the hub gives 500 at most.
const pageSize = 100

// listing is how a list is read.
type listing struct {
	limit, size int
	cursor      *string
}

// ListOption changes how a list is read.
type ListOption func(*listing)

// WithLimit ends a list after n items.
func WithLimit(n int) ListOption { return func(l *listing) { l.limit = n } }

// WithPageSize sets how many items are asked for at once, 1 to 500; without
// this option 100.
func WithPageSize(n int) ListOption { return func(l *listing) { l.size = n } }

// WithCursor begins a list at *cursor, where "" is the beginning, and sets
// *cursor each time a page has been read to its last item: to the place of the
// next page, or to "" at the end of the list. Whoever breaks off and comes back
// with the same cursor misses nothing and may see the items of a page again.
// Together with [WithLimit], *cursor is the place after the limit.
func WithCursor(cursor *string) ListOption { return func(l *listing) { l.cursor = cursor } }

func listingOf(options []ListOption) listing {
	l := listing{size: pageSize, cursor: new(string)}
	for _, o := range options {
		o(&l)
	}
	return l
}

// page completes the query of the next page, when left items may still come;
// 0: any number.
func (l *listing) page(q url.Values, left int) {
	size := l.size
	if l.limit > 0 {
		size = min(size, left)
	}
	q.Set("limit", strconv.Itoa(size))
	if *l.cursor != "" {
		q.Set("cursor", *l.cursor)
	}
}

// list reads a list page by page. An error ends it and is yielded last.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, options []ListOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		l, q := listingOf(options), url.Values{}
		maps.Copy(q, query)
		for left := l.limit; ; {
			l.page(q, left)
			p, err := call[page[T]](ctx, c, get(path, q))
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			*l.cursor = p.NextCursor
			left -= len(p.Items)
			if p.NextCursor == "" || l.limit > 0 && left <= 0 {
				return
			}
		}
	}
}

// Collect reads a list to its end.
func Collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// query builds a query of the parameters that are not empty.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// instant is a time as a parameter; "" for the zero time.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
