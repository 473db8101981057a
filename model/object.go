package model

func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
