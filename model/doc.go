// Package model has the words that all packages below it and above it share: errors with a kind,
// ids and their public form, moments, pages, scopes, actors, events, and the forms in which texts
// are compared.
//
// It has no database. The rooms of the model are the packages below it. The bottom one is
// model/internal/tenant: the one database as one organization sees it. Above it are organization,
// people, connection, search, entitle, directory, signon and operator, each with its own rows and
// rules, and store, which opens all of it.
package model
