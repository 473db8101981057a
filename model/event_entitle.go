package model

// The events of licenses and groups of accounts.
const (
	LicenseGranted  EventType = "license.granted"
	LicenseRevoked  EventType = "license.revoked"
	LicenseWaiting  EventType = "license.waiting"
	GroupAssigned   EventType = "group.assigned"
	GroupUnassigned EventType = "group.unassigned"
)
