package model

// valueAttribute says which attribute a row of user_values is of: those who write the
// rows and the filters that read them share it.
type valueAttribute int64

const (
	emailsAttribute  valueAttribute = 1
	managerAttribute valueAttribute = 3
)

// String is the attribute's SCIM name.
func (a valueAttribute) String() string {
	return [...]string{emailsAttribute: "emails", managerAttribute: "manager"}[a]
}
