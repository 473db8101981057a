// Package organization holds the customers of the application, their settings and domains, and the
// applications that serve them.
//
// An Organization is a tenant: almost every other row of the store belongs to one. Package operator
// creates, changes and deletes organizations, because their users, sessions and connections change
// with them.
//
// A Domain is trusted with e-mail addresses while it is verified: an operator vouches for it, or
// DomainWatch finds its DNS record. At most one organization has a domain verified at a time.
//
// An Application is a product that Rollcall signs people in to. Its API keys reach the
// organizations that it serves.
//
// In returns the Org with the methods for one organization. Across returns the Store with the
// methods that need no organization. Each of those is limited by a scope, a slug, a domain, an id
// or a token.
//
// The package owns the tables organizations, organization_domains, applications,
// application_organizations and api_keys.
package organization
