package control

import (
	"errors"

	"github.com/nself-chat/hub"
)

// fieldsOf returns what err says about single fields, or one problem with
// field if it names none.
func fieldsOf(err error, field string) []hub.FieldError {
	e, ok := errors.AsType[*hub.Error](err)
	switch {
	case ok && len(e.Fields) > 0:
		return e.Fields
	case ok:
		return []hub.FieldError{{Field: field, Detail: e.Detail}}
	}
	return []hub.FieldError{{Field: field, Detail: "is not valid"}}
}
