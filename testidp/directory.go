package testidp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// ErrNotFound is the error of operations if no person or group has the id.
var ErrNotFound = errors.New("not found")

// Invalid is the error for a field that cannot be accepted. Message says what to write instead.
type Invalid struct{ Field, Message string }

// Error returns the field and the message.
func (e *Invalid) Error() string { return e.Field + ": " + e.Message }

// Person is a person in the directory.
type Person struct {
	// ID is the person's key in this program. It stays the same after restarts and renames.
	ID string `json:"id"`
	// ExternalID is the identity provider's own id of the person, which SCIM sends as externalId.
	// It never changes.
	ExternalID     string `json:"external_id"`
	UserName       string `json:"user_name"` // an e-mail address
	GivenName      string `json:"given_name"`
	FamilyName     string `json:"family_name"`
	Title          string `json:"title"` // empty for some
	Department     string `json:"department"`
	EmployeeNumber string `json:"employee_number"`
	Mobile         string `json:"mobile"`  // empty for most
	Manager        string `json:"manager"` // the ID of another person; empty for none
}

// Name returns the given and the family name.
func (p Person) Name() string { return p.GivenName + " " + p.FamilyName }

// Initials returns the first letters of both names, in place of a picture.
func (p Person) Initials() string {
	letters := ""
	for _, name := range []string{p.GivenName, p.FamilyName} {
		_, size := utf8.DecodeRuneInString(name)
		letters += name[:size]
	}
	return letters
}

// Group is a group of the directory.
type Group struct {
	ID         string `json:"id"`          // stays the same after restarts and renames
	ExternalID string `json:"external_id"` // the identity provider's own id
	Name       string `json:"name"`
	// Members are the IDs of people, in the directory's order.
	Members []string `json:"members"`
}

// directory has the people and groups of one company. It is independent of SCIM.
type directory struct {
	mu     sync.RWMutex
	people []Person
	groups []Group
}

// newDirectory returns a directory for an e-mail domain, always with the same people. newID makes
// the identity provider's own id of an object from a seed that is unique in the directory.
func newDirectory(domain string, newID func(kind, seed string) string) *directory {
	d := &directory{}
	everyone := Group{ID: "everyone", Name: "Everyone"}
	members := map[string][]string{}
	for i, s := range seeds {
		id := s.local
		d.people = append(d.people, Person{
			ID: id, ExternalID: newID("user", domain+"/"+id), UserName: s.local + "@" + domain,
			GivenName: s.given, FamilyName: s.family, Title: s.title, Department: s.department,
			EmployeeNumber: fmt.Sprint(1001 + i), Mobile: s.mobile, Manager: s.manager,
		})
		everyone.Members = append(everyone.Members, id)
		for _, g := range s.groups {
			members[g] = append(members[g], id)
		}
	}
	for _, name := range []string{"Engineering", "Sales", "Finance"} {
		d.groups = append(d.groups, Group{ID: strings.ToLower(name), Name: name, Members: members[name]})
	}
	d.groups = append(d.groups, everyone)
	for i := range d.groups {
		d.groups[i].ExternalID = newID("group", domain+"/"+d.groups[i].ID)
	}
	return d
}

// allPeople returns a copy of the list of people.
func (d *directory) allPeople() []Person {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.people)
}

// person returns the person with the id, or ErrNotFound.
func (d *directory) person(id string) (Person, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	i, err := d.personIndex(id)
	if err != nil {
		return Person{}, err
	}
	return d.people[i], nil
}

// personIndex returns the index of a person, or ErrNotFound. The caller holds d.mu.
func (d *directory) personIndex(id string) (int, error) {
	i := slices.IndexFunc(d.people, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return 0, fmt.Errorf("person %q: %w", id, ErrNotFound)
	}
	return i, nil
}

// groupIndex returns the index of a group, or ErrNotFound. The caller holds d.mu.
func (d *directory) groupIndex(id string) (int, error) {
	i := slices.IndexFunc(d.groups, func(g Group) bool { return g.ID == id })
	if i < 0 {
		return 0, fmt.Errorf("group %q: %w", id, ErrNotFound)
	}
	return i, nil
}

// allGroups returns a copy of the list of groups.
func (d *directory) allGroups() []Group {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.groups)
}

// group returns the group with the id, or ErrNotFound.
func (d *directory) group(id string) (Group, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	i, err := d.groupIndex(id)
	if err != nil {
		return Group{}, err
	}
	return d.groups[i], nil
}

// updatePerson applies change to a copy of the person and stores it if it is valid. The ids cannot
// be changed. It returns the changed copy in both cases, so that a form can show it again.
func (d *directory) updatePerson(id string, change func(*Person)) (Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, err := d.personIndex(id)
	if err != nil {
		return Person{}, err
	}
	p := d.people[i]
	change(&p)
	p.ID, p.ExternalID = d.people[i].ID, d.people[i].ExternalID
	for _, s := range []*string{&p.UserName, &p.GivenName, &p.FamilyName, &p.Title, &p.Department,
		&p.EmployeeNumber, &p.Mobile} {
		*s = strings.TrimSpace(*s)
	}
	if err := d.checkPerson(p); err != nil {
		return p, err
	}
	d.people[i] = p
	return p, nil
}

// checkPerson returns an *Invalid for the first field that cannot be accepted.
func (d *directory) checkPerson(p Person) error {
	for _, f := range []struct {
		field, value string
		required     bool
	}{
		{"given_name", p.GivenName, true}, {"family_name", p.FamilyName, true},
		{"user_name", p.UserName, true}, {"title", p.Title, false},
		{"department", p.Department, false}, {"employee_number", p.EmployeeNumber, false},
		{"mobile", p.Mobile, false},
	} {
		if err := checkText(f.field, f.value, f.required); err != nil {
			return err
		}
	}
	local, domain, _ := strings.Cut(p.UserName, "@")
	if local == "" || domain == "" || strings.Contains(p.UserName, " ") || strings.Contains(domain, "@") {
		return &Invalid{"user_name", "write an e-mail address, such as name@northwind.example"}
	}
	known := p.Manager == ""
	for _, q := range d.people {
		if q.ID != p.ID && strings.EqualFold(q.UserName, p.UserName) {
			return &Invalid{"user_name", "another person has this address; choose a different one"}
		}
		known = known || q.ID == p.Manager && q.ID != p.ID
	}
	if !known {
		return &Invalid{"manager", "choose another person of the directory, or nobody"}
	}
	return nil
}

// checkText returns an *Invalid for a text that cannot be accepted in a field.
func checkText(field, s string, required bool) error {
	switch {
	case s == "" && required:
		return &Invalid{field, "write at least one character"}
	case len(s) > 200:
		return &Invalid{field, "write at most 200 bytes"}
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return &Invalid{field, "leave out line breaks and other control characters"}
	}
	return nil
}

// renameGroup sets the name of a group. Names are unique regardless of case, because identity
// providers match groups by name.
func (d *directory) renameGroup(id, name string) (Group, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, err := d.groupIndex(id)
	if err != nil {
		return Group{}, err
	}
	name = strings.TrimSpace(name)
	if err := checkText("name", name, true); err != nil {
		return Group{}, err
	}
	for _, g := range d.groups {
		if g.ID != id && strings.EqualFold(g.Name, name) {
			return Group{}, &Invalid{"name", "another group has this name; choose a different one"}
		}
	}
	d.groups[i].Name = name
	return d.groups[i], nil
}

// setMember adds a person to a group or removes them. It may be so already.
func (d *directory) setMember(groupID, personID string, member bool) (Group, Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gi, err := d.groupIndex(groupID)
	if err != nil {
		return Group{}, Person{}, err
	}
	pi, err := d.personIndex(personID)
	if err != nil {
		return Group{}, Person{}, err
	}
	// A new slice, because copies of the group share the old one.
	members := []string{}
	for _, p := range d.people {
		if p.ID == personID && member || p.ID != personID && slices.Contains(d.groups[gi].Members, p.ID) {
			members = append(members, p.ID)
		}
	}
	d.groups[gi].Members = members
	return d.groups[gi], d.people[pi], nil
}
