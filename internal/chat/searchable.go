package chat

import "github.com/nself-chat/hub"

// Searchable is the text that a message, with its files, is found by.
func Searchable(m *hub.Message) string { return searchable(m) }
