package markup

// Degradation is one kind of node that a destination could not show, and what
// was done instead.
type Degradation struct {
	Kind  Kind   `json:"kind"`
	Done  Action `json:"done"`
	Count int    `json:"count"` // how many of them
}

// Action is what was done with a node that could not be shown as it is.
type Action string

// The actions.
const (
	AsText     Action = "asText"     // its text, without what set it apart
	AsLink     Action = "asLink"     // a link to it
	AsCode     Action = "asCode"     // fixed-width text: a table
	AsList     Action = "asList"     // a list of its parts
	AsQuote    Action = "asQuote"    // a quote: a card
	Flattened  Action = "flattened"  // its parts, on one level
	Shortened  Action = "shortened"  // cut at the destination's limit
	Defused    Action = "defused"    // a mention that notifies nobody
	Unreadable Action = "unreadable" // something that nobody can see here, such as a colour
)

// Degradations is what was lost on the way to one destination, in the order in
// which it was met first.
type Degradations []Degradation

// Add records that a node of this kind could not be shown.
func (d *Degradations) Add(kind Kind, done Action) { d.add(kind, done, 1) }

// Merge records all of more.
func (d *Degradations) Merge(more Degradations) {
	for _, m := range more {
		d.add(m.Kind, m.Done, m.Count)
	}
}

func (d *Degradations) add(kind Kind, done Action, count int) {
	for i := range *d {
		if (*d)[i].Kind == kind && (*d)[i].Done == done {
			(*d)[i].Count += count
			return
		}
	}
	*d = append(*d, Degradation{Kind: kind, Done: done, Count: count})
}
