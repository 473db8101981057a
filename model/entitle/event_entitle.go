package entitle

import (
	"rollcall/model"
)

// The events of licenses and groups of accounts.
const (
	LicenseGranted  model.EventType = "license.granted"
	LicenseRevoked  model.EventType = "license.revoked"
	LicenseWaiting  model.EventType = "license.waiting"
	GroupAssigned   model.EventType = "group.assigned"
	GroupUnassigned model.EventType = "group.unassigned"
)
