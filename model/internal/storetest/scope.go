package storetest

import (
	"testing"

	"rollcall/model"
	"rollcall/model/organization"
	"rollcall/model/store"
)

// Serving makes an application for organizations and returns its scope.
func Serving(t testing.TB, s *store.Store, organizations ...model.OrganizationID) model.Scope {
	t.Helper()
	key, err := organization.Across(s).CreateApplication(t.Context(), &organization.Application{ApplicationFields: organization.ApplicationFields{
		Name: "App",
	}}, organizations)
	Must(t, err)
	_, scope, err := organization.Across(s).APIKey(t.Context(), key)
	Must(t, err)
	return scope
}
