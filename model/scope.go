package model

// Scope says which organizations an API key reaches. The zero Scope reaches none.
type Scope struct {
	all         bool
	application string
}

// Everywhere is the scope of an operator.
func Everywhere() Scope { return Scope{all: true} }

// ScopeOf is the scope of an application: the organizations that it serves, or all.
func ScopeOf(application string, all bool) Scope { return Scope{all: all, application: application} }

// All tells whether the scope is every organization: an operator's, or that of
// an application with AllOrganizations.
func (s Scope) All() bool { return s.all }

// Application is the id of the application whose organizations these are, and empty for an operator.
func (s Scope) Application() string { return s.application }
