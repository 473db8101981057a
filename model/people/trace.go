package people

// Traces are what a person can be recognized by.
type Traces struct {
	UserName   string
	Emails     []string
	Identities []Identity
}

// Traces are what the user could be recognized by later.
func (u *User) Traces(identities []Identity) (Traces, error) {
	d, err := u.Parse()
	if err != nil {
		return Traces{}, err
	}
	t := Traces{UserName: u.UserName, Emails: []string{u.Email}, Identities: identities}
	for _, e := range d.Emails {
		t.Emails = append(t.Emails, e.Value)
	}
	return t, nil
}
