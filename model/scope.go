package model

// Scope says which organizations an API key reaches. The zero Scope reaches none.
type Scope struct {
	all         bool
	application string
}

// Everywhere returns the scope of an operator.
func Everywhere() Scope { return Scope{all: true} }

// ScopeOf returns the scope of an application: the organizations that it serves, or all.
func ScopeOf(application string, all bool) Scope { return Scope{all: all, application: application} }

// All tells whether the scope is every organization. It is for an operator and for an application
// with AllOrganizations.
func (s Scope) All() bool { return s.all }

// Application returns the id of the application that the scope belongs to. It is empty for an
// operator.
func (s Scope) Application() string { return s.application }
