package model

import "rollcall/model/internal/guard"

// OrganizationID names one organization. A row type with a field of this type belongs to that
// organization: the store adds the organization to each of its statements, and refuses a statement
// that is not of one organization.
type OrganizationID = guard.OrganizationID
