package storetest

// Identifying are the texts that occur in an answer only when it shows something of the estate.
func (e Estate) Identifying() []string {
	return []string{string(e.Org.ID), e.Domain.ID, e.Directory.ID, e.Token.ID, e.User.ID, e.Other.ID, e.Unowned.ID,
		e.Group.ID, e.Identity.ID, e.Connection.ID, e.Login.ID, e.Logout.ID, e.SignedIn.Session.ID, e.Attempt.ID, e.Tombstone.ID, e.Schema.ID,
		e.Account.ID, e.AccountGroup.ID, e.License.ID, e.Verified, e.ExternalID}
}

func Done(err error) (any, error) { return err == nil, err }
