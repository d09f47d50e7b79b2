package ingress

import (
	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/ingress/dialects"
	"github.com/nself-chat/hub/internal/ingress/fieldmap"
)

// Dialects lists the products whose posts are understood, the hub's own first.
func (in *Ingress) Dialects() []hub.Dialect {
	names := dialects.Names()
	out := make([]hub.Dialect, len(names))
	for i, name := range names {
		out[i] = hub.Dialect{Name: name, Title: dialects.ByName(name).Title}
	}
	return out
}

// CheckReading says what is wrong with a webhook's own reading of what comes, as
// its KeyTemplate and FieldMap have it; "": none.
func (in *Ingress) CheckReading(keyTemplate, fieldMap string) hub.FieldErrors {
	var errs hub.FieldErrors
	fieldmap.Template(keyTemplate).Check("keyTemplate", &errs)
	if fieldMap == "" {
		return errs
	}
	_, wrong := fieldmap.Decode([]byte(fieldMap))
	for _, e := range wrong {
		field := "fieldMap"
		if e.Field != "" {
			field += "." + e.Field
		}
		errs.Add(field, "%s", e.Detail)
	}
	return errs
}
