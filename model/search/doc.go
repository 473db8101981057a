// Package search turns a SCIM filter into SQL and reads the users or groups that match it.
//
// A Search names the type of resource (Users or Groups), the Query of the client, the condition
// on the rows that may be found, and the columns to read. Run returns one page of them and its
// Extent. ResourceType has the table of what can be filtered and sorted: each attribute with its
// column, its kind, its index, and whether it names one resource. An attribute that is not in that
// table is looked for in the stored document.
//
// The statements read several tables, and the store adds the organization only to those that GORM
// builds. So this package writes the organization into each SELECT, and a test counts them. It
// needs nothing else of the store than DB, which sends a statement.
package search
