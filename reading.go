package hub

// Dialect is a product whose posts an incoming webhook understands.
type Dialect struct {
	// Name is what the log calls it, and the suffix of the URL that forces it.
	Name  string
	Title string // for people
}

// Reading is what a call to an incoming webhook would be posted as.
type Reading struct {
	Dialect      string
	RecognisedBy string
	// Key is what the post is about, and Thread what it replies to, as the webhook
	// knows them; "": nothing.
	Key    string
	Thread string
	// Message has no id and no time, and neither have its files.
	Message Message
	Losses  []Loss
	// Remarks says in sentences what could not be read as it is, or as the webhook
	// says; "": nothing.
	Remarks string
}

// Loss is one kind of thing that a message cannot show, and what it does instead.
type Loss struct {
	Kind  string // of a node of package markup
	Done  string // asText, asLink, …
	Count int
}
