// Package fieldmap makes a post of a request as the owner of a webhook says: which
// values of the body are the title, the text, the colour and so on.
//
// Each is told by a [Template]. A JSON Pointer (RFC 6901) alone stands for the value
// to which it leads:
//
//	/alert/name
//
// Anything else is a text with pointers in braces; a brace that is doubled stands for
// itself:
//
//	{/host}: {/alert/name}
//
// The fields of a form are the members of an object, and JSON in a string is walked
// into like any other. Only what is named is shown. A request in which neither a title
// nor a text is found becomes a card of everything (package card), so that nothing is
// lost when a sender changes its mind.
package fieldmap
