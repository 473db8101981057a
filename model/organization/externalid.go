package organization

import (
	"strings"

	"rollcall/model"
)

// externalIDMark stands between an application and the external id that it gave. It is not ASCII,
// so that no external id has it.
const externalIDMark = "\u241f"

// ExternalIDOf returns an external id as it is stored. One that an application of some
// organizations gives is unique among those that this application gave: otherwise the application
// would learn which external ids the organizations of others have.
func ExternalIDOf(scope model.Scope, id string) string {
	if scope.All() || scope.Application() == "" {
		return id
	}
	return scope.Application() + externalIDMark + id
}

// PublicExternalID returns the external id without the application that gave it.
func (g *OrganizationFields) PublicExternalID() *string {
	if g.ExternalID == nil {
		return nil
	}
	if _, id, marked := strings.Cut(*g.ExternalID, externalIDMark); marked {
		return &id
	}
	return g.ExternalID
}
