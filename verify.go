package hub

import "fmt"

// VerifyReport is what a check of the whole database found.
type VerifyReport struct {
	Events     int64 `json:"events"`
	Expected   int64 `json:"expected"`   // deliveries that the events and subscriptions ask for
	Deliveries int64 `json:"deliveries"` // deliveries that are there
	Attempts   int64 `json:"attempts"`
	// Problems are the first MaxProblems of Found.
	Problems []string `json:"problems"`
	Found    int64    `json:"found"`
}

// MaxProblems is the number of problems a VerifyReport lists.
const MaxProblems = 100

// Add records a problem.
func (r *VerifyReport) Add(format string, args ...any) {
	r.Found++
	if len(r.Problems) < MaxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Clean reports whether nothing was found.
func (r *VerifyReport) Clean() bool { return r.Found == 0 }
