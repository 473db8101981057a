package people

// UserDraft is what a directory may change of a user: whether the user is
// active, and the document. The rest it can at most read.
type UserDraft struct {
	Active bool
	row    User
}

// draft returns what may be changed of a user. The user itself stays as it is.
func (u *User) draft() *UserDraft { return &UserDraft{Active: u.Active, row: *u} }

// Version is the SCIM ETag of the user as stored.
func (d *UserDraft) Version() int64 { return d.row.Version }

// DocumentMap returns the document as canonical SCIM attributes, a copy that
// may be changed and handed to SetDocument.
func (d *UserDraft) DocumentMap() (map[string]any, error) { return d.row.DocumentMap() }

// SetDocument replaces the document, with the rules of User.SetDocument.
func (d *UserDraft) SetDocument(document map[string]any) error {
	d.row.Active = d.Active
	if err := d.row.SetDocument(document); err != nil {
		return err
	}
	d.Active = d.row.Active
	return nil
}

// ChangedBy returns the row that change makes of the user.
func (u *User) ChangedBy(change func(*UserDraft) error) (*User, error) {
	d := u.draft()
	if err := change(d); err != nil {
		return nil, err
	}
	d.row.Active = d.Active
	return &d.row, nil
}
