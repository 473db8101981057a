// Package scim lets identity providers write directories over SCIM 2.0.
//
// A request for a directory goes this way:
//
//	/scim/v2/{directory}/…
//	  web             request id, log, body limit, panics
//	  Server.serve    bearer token → directory, which must be the one of the path (auth.go)
//	                  one line for the directory's request log (requestlog.go)
//	                  path and method → handler, else 404 or 405 (route.go)
//	                  content type, body, If-Match and If-None-Match (etag.go)
//	  query.go        parameters → paging, filter, projection
//	  scim/filter     filter text → tree
//	  scim/patch      filter tree, POST, PUT and PATCH bodies → their canonical form
//	  scim/jsontext   looks into JSON without decoding it
//	  users.go,       one call of the model, in one transaction
//	  groups.go
//	  render.go       rows → JSON, with what the client asked to see (projection.go)
//
// Any error on the way goes to fail, and from there to render, where it becomes a SCIM error.
//
// The routes below /scim/v2/{directory} are
//
//	GET                     / (users and groups)
//	POST                    /.search, /Users/.search, /Groups/.search
//	GET                     /ServiceProviderConfig
//	GET                     /Schemas, /Schemas/{urn}
//	GET                     /ResourceTypes, /ResourceTypes/{name}
//	GET POST                /Users, /Groups
//	GET PUT PATCH DELETE    /Users/{id}, /Groups/{id}
//	POST                    /Bulk (bulk.go), which has the handlers above do its operations
//
// each with HEAD where there is GET, and OPTIONS. Nothing is answered before the token is known.
// POST /scim/oauth2/token (oauth.go) exchanges client credentials for a token.
//
// Where identity providers depart from the RFC, the server reads their requests as they are meant.
// It does not do so for a strict directory, whose requests are read by resource types of their
// own.
//
// # What github.com/elimity-com/scim does here
//
// The library's schemas, attribute declarations, resource types and errors are this package's
// vocabulary: its schema.Schema values decide what a resource may contain, and its errors.ScimError
// is the form of an error. Its Server is not used on any route; the handlers are called directly.
// The library parses filters and paths by recursion without a limit, so that one long
// URL overflows the stack and ends the process; it shows the text of internal errors to clients; it
// turns the statuses 413, 429 and 503 into 500; it drops what null means inside a PATCH value; and
// a filter costs it more time than the query that the filter is for.
package scim
