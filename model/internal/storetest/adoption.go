package storetest

// WithEmail is a person whose userName is not the e-mail.
func WithEmail(userName, email string) map[string]any {
	d := Person(userName)
	d["emails"] = []any{map[string]any{"value": email, "primary": true}}
	return d
}
