package model

// Cause is why somebody came to have something, or lost it.
type Cause string

// The causes, as the API and events show them.
const (
	CauseSignOn         Cause = "sign_on"         // a login recomputed the user
	CauseDirectory      Cause = "directory"       // SCIM changed the user's groups or state
	CauseConfiguration  Cause = "configuration"   // accounts, groups, mappings or connections were changed
	CauseManual         Cause = "manual"          // a person did it
	CauseSeat           Cause = "seat"            // a seat became free
	CauseUserDeleted    Cause = "user_deleted"    // the user is gone
	CauseAccountDeleted Cause = "account_deleted" // the account is gone
	CauseGroupDeleted   Cause = "group_deleted"   // the group is gone
)
