package scim

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/model"
	"rollcall/model/directory"
)

// route is one path below a directory with its methods.
type route struct {
	pattern string // the path in its proper spelling, with :id for a variable
	methods map[string]handler
}

// variable takes the place of a last segment that is not part of a route's name.
const variable = "/*"

// resourceRoutes are the routes of users and groups, and the others of RFC 7644 that are not
// discovery, by their paths in lower case.
func resourceRoutes() map[string]route {
	me := map[string]handler{http.MethodGet: notOffered, http.MethodPost: notOffered,
		http.MethodPut: notOffered, http.MethodPatch: notOffered, http.MethodDelete: notOffered}
	searched := func(list handler) map[string]handler { return map[string]handler{http.MethodPost: bySearch(list)} }
	return map[string]route{
		"/users": {"/Users", map[string]handler{
			http.MethodGet: (*exchange).listUsers, http.MethodPost: (*exchange).createUser}},
		"/users" + variable: {"/Users/:id", map[string]handler{
			http.MethodGet: (*exchange).getUser, http.MethodPut: (*exchange).replaceUser,
			http.MethodPatch: (*exchange).patchUser, http.MethodDelete: (*exchange).deleteUser}},
		"/groups": {"/Groups", map[string]handler{
			http.MethodGet: (*exchange).listGroups, http.MethodPost: (*exchange).createGroup}},
		"/groups" + variable: {"/Groups/:id", map[string]handler{
			http.MethodGet: (*exchange).getGroup, http.MethodPut: (*exchange).replaceGroup,
			http.MethodPatch: (*exchange).patchGroup, http.MethodDelete: (*exchange).deleteGroup}},
		"":                {"", map[string]handler{http.MethodGet: (*exchange).queryAll}},
		"/.search":        {"/.search", searched((*exchange).queryAll)},
		"/users/.search":  {"/Users/.search", searched((*exchange).listUsers)},
		"/groups/.search": {"/Groups/.search", searched((*exchange).listGroups)},
		"/bulk":           {"/Bulk", map[string]handler{http.MethodPost: (*exchange).bulk}},
		"/me":             {"/Me", me},
	}
}

// notOffered answers a request that RFC 7644 makes optional (§3.11, §3.12) and that
// ServiceProviderConfig does not offer.
func notOffered(*exchange, context.Context) (answer, error) {
	return answer{}, refuse(http.StatusNotImplemented,
		"this server does not offer the operation; /ServiceProviderConfig says what it does offer")
}

// directoryPath is the path of a request as it is sent, cut after the segment that names the
// directory. The router's parameters are sometimes decoded and sometimes not.
func directoryPath(r *http.Request) (directory, below string) {
	directory, below, _ = strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), root+"/"), "/")
	return directory, below
}

// names returns whether a segment, as it is sent, is the id of the directory.
func names(segment string, d *directory.Directory) bool {
	decoded, err := url.PathUnescape(segment)
	id, ok := model.DirectoryPrefix.Parse(decoded)
	return err == nil && ok && id == d.ID
}

// segments splits a path as it is sent and decodes each of its segments once (RFC 3986 §2.4): a
// slash that is encoded belongs to its segment. It leaves out empty segments: a base URL is often
// entered with a slash at its end, to which an identity provider adds /Users.
func segments(path string) ([]string, error) {
	var list []string
	for sent := range strings.SplitSeq(path, "/") {
		segment, err := url.PathUnescape(sent)
		if err != nil {
			return nil, &Refused{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidSyntax,
				Detail: "the path is not percent-encoded as it should be: a % is followed by two hexadecimal digits"}
		}
		if segment != "" {
			list = append(list, segment)
		}
	}
	return list, nil
}

// route finds the route of the segments of a path below a directory, and the last segment where
// that is a variable. Endpoints are found in any case.
func (x *exchange) route(segments []string) (route, string, error) {
	const most = 2
	if len(segments) <= most {
		name := ""
		for _, segment := range segments {
			name += "/" + strings.ToLower(strings.ReplaceAll(segment, "/", "%2F")) // no name has a %
		}
		if r, ok := x.routes[name]; ok {
			return r, "", nil
		}
		if len(segments) == most {
			if r, ok := x.routes["/"+strings.ToLower(segments[0])+variable]; ok {
				return r, segments[1], nil
			}
		}
	}
	return route{}, "", refuse(http.StatusNotFound,
		"there is no such endpoint; those there are stand in /ResourceTypes")
}

// handler returns the handler of a method: nil for OPTIONS, an error for a method that is not
// allowed.
func (r route) handler(method string) (handler, error) {
	switch method {
	case http.MethodOptions:
		return nil, nil
	case http.MethodHead: // net/http sends the header only
		method = http.MethodGet
	}
	if h := r.methods[method]; h != nil {
		return h, nil
	}
	return nil, refuse(http.StatusMethodNotAllowed, "%s cannot be done here, only %s", method, r.allow())
}

// allow lists the methods of the route for the header of that name.
func (r route) allow() string {
	methods := []string{http.MethodOptions}
	for m := range r.methods {
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
