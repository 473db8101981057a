package model

// OrNull returns nil for an empty text, which is null in public forms.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
