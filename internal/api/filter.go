package api

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/nself-chat/hub"
)

// Filter is a filter, which describes itself: it contains itself.
type Filter struct{ hub.Filter }

// Schema implements huma.SchemaProvider.
func (Filter) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "all, any (arrays of filters), not (a filter), or field (a dotted path into the data) with exactly one of " +
			"equals, notEquals, in, contains, startsWith, endsWith, matches, greaterThan, lessThan, exists.",
	}
}
