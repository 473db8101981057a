package tenant

// ValueAttribute says which attribute a row of user_values is of: those who write the
// rows and the filters that read them share it.
type ValueAttribute int64

const (
	EmailsAttribute  ValueAttribute = 1
	ManagerAttribute ValueAttribute = 3
)

// String is the attribute's SCIM name.
func (a ValueAttribute) String() string {
	return [...]string{EmailsAttribute: "emails", ManagerAttribute: "manager"}[a]
}
