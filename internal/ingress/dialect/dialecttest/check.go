package dialecttest

import (
	"testing"

	"github.com/nself-chat/hub/internal/ingress/dialect"
)

// Check holds a dialect to the expectations as [Run] does, without comparing what
// the messages look like: for products with so many recorded payloads that nobody
// would read all of the messages.
func Check(t *testing.T, d *dialect.Dialect, cases []Case) {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for i := range cases {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			r := c.Read(t)
			if d.Detect(r) == "" {
				t.Errorf("%s does not know its own", d.Name)
			}
			p, err := d.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			check(t, c, r, &p)
		})
	}
}
