// Package api is the management API for the developers of applications.
//
// Where the reference contract in testdata/reference-api.yaml defines a path, an object or an
// error, this package follows it, so that the reference's SDKs work. Everything else is in the same
// style. An API key identifies the caller and the organizations that the caller may use. Other
// organizations, and everything in them, are answered like what does not exist. A call reads its
// input, makes one call to the store, and answers with the public form of the result.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/operator"
	"rollcall/model/organization"
	"rollcall/model/setup"
	"rollcall/model/store"
	"rollcall/model/webhook"
	"rollcall/web"
)

// Server answers the management API.
type Server struct {
	Store *store.Store

	// PublicURL is the address at which identity providers reach this server.
	PublicURL string

	// BootstrapKey is the operator's API key, or several, separated by commas. It reaches every
	// organization, and only it can manage applications. When it is empty, no call can use it.
	BootstrapKey string

	// Outbound fetches metadata and discovery documents. Nothing is fetched when it is nil.
	Outbound *web.Outbound

	// Domains checks the DNS records of domains.
	Domains *organization.DomainWatch

	// Log records changes of applications: applications belong to no organization, so there are no
	// events for them. It is slog.Default when nil.
	Log *slog.Logger
}

// Mount adds the routes, and answers all errors below the first segments of their paths in the form
// of the API. A request with a key for a path that nobody serves gets that form, too: a client of
// the API shows the message of that form and nothing else.
func (s *Server) Mount(e *echo.Echo) {
	prefixes := map[string]bool{}
	for _, r := range s.routes() {
		e.Add(r.method, r.path, s.authenticated(r.handle))
		prefixes[firstSegment(r.path)] = true
	}
	served := sync.OnceValue(func() map[string]bool { // when all routes are mounted
		served := map[string]bool{}
		for _, r := range e.Routes() {
			served[firstSegment(r.Path)] = true
		}
		return served
	})
	web.ErrorsWhere(e, renderError, func(r *http.Request) bool {
		first := firstSegment(r.URL.Path)
		return prefixes[first] || web.Bearer(r.Header) != "" && !served()[first]
	})
}

// firstSegment returns the first segment of a path.
func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

// handler answers one authenticated call.
type handler func(c *call) error

type route struct {
	method, path string
	handle       handler
}

func (s *Server) routes() []route {
	return slices.Concat(s.directoryRoutes(), s.entitlementRoutes(), s.signOnRoutes(), s.webhookRoutes(), []route{
		{http.MethodGet, "/organizations", s.listOrganizations},
		{http.MethodPost, "/organizations", s.createOrganization},
		{http.MethodGet, "/organizations/external_id/:external_id", s.organizationByExternalID},
		{http.MethodGet, "/organizations/:id", s.organization},
		{http.MethodPut, "/organizations/:id", s.updateOrganization},
		{http.MethodDelete, "/organizations/:id", bodiless(s.deleteOrganization)},
		{http.MethodGet, "/organizations/:id/roles", s.listRoles},
		{http.MethodGet, "/authorization/organizations/:id/roles", s.listRoles},
		{http.MethodGet, "/authorization/organizations/:id/roles/:slug", s.role},
		{http.MethodGet, "/organizations/:id/schemas", s.listSchemas},
		{http.MethodGet, "/organizations/:id/schemas/:urn", s.schema},
		{http.MethodPut, "/organizations/:id/schemas/:urn", s.putSchema},
		{http.MethodDelete, "/organizations/:id/schemas/:urn", bodiless(s.deleteSchema)},
		{http.MethodGet, "/organizations/:id/tombstones", s.listTombstones},
		{http.MethodDelete, "/organizations/:id/tombstones/:tombstone", bodiless(s.deleteTombstone)},

		{http.MethodPost, "/portal/generate_link", s.generateLink},
		{http.MethodGet, "/organizations/:id/setup_links", s.listSetupLinks},
		{http.MethodPost, "/organizations/:id/setup_links", s.createSetupLink},
		{http.MethodDelete, "/setup_links/:id", bodiless(s.deleteSetupLink)},

		{http.MethodPost, "/organization_domains", s.createDomain},
		{http.MethodGet, "/organization_domains/:id", s.domain},
		{http.MethodDelete, "/organization_domains/:id", bodiless(s.deleteDomain)},
		{http.MethodPost, "/organization_domains/:id/verify", s.verifyDomain},

		{http.MethodGet, "/applications", s.operators(s.listApplications)},
		{http.MethodPost, "/applications", s.operators(s.createApplication)},
		{http.MethodGet, "/applications/:id", s.operators(s.application)},
		{http.MethodPatch, "/applications/:id", s.operators(s.updateApplication)},
		{http.MethodDelete, "/applications/:id", s.operators(bodiless(s.deleteApplication))},
		{http.MethodPut, "/applications/:id/organizations/:organization", s.operators(bodiless(s.joinApplication))},
		{http.MethodDelete, "/applications/:id/organizations/:organization", s.operators(bodiless(s.leaveApplication))},

		{http.MethodGet, "/users", s.listUsers},
		{http.MethodGet, "/users/:id", s.user},
		{http.MethodPatch, "/users/:id", s.updateUser},
		{http.MethodDelete, "/users/:id", bodiless(s.deleteUser)},
		{http.MethodPost, "/users/:id/revoke_sessions", bodiless(s.revokeSessions)},
		{http.MethodPost, "/users/:id/password_setup", bodiless(s.setUpPassword)},

		{http.MethodGet, "/events", s.listEvents},
	})
}

// signOnRoutes are the routes of connections, of their login log, and of sessions.
func (s *Server) signOnRoutes() []route {
	return []route{
		{http.MethodGet, "/connections", s.listConnections},
		{http.MethodPost, "/connections", s.createConnection},
		{http.MethodGet, "/connections/:id", s.connection},
		{http.MethodPatch, "/connections/:id", s.updateConnection},
		{http.MethodDelete, "/connections/:id", bodiless(s.deleteConnection)},
		{http.MethodGet, "/connections/:id/login_attempts", s.listLoginAttempts},
		{http.MethodGet, "/connections/:id/sp_keys", s.listSPKeys},
		{http.MethodPost, "/connections/:id/sp_keys", bodiless(s.createSPKey)},
		{http.MethodPost, "/connections/:id/sp_keys/:key/promote", bodiless(s.promoteSPKey)},
		{http.MethodDelete, "/connections/:id/sp_keys/:key", bodiless(s.deleteSPKey)},
		{http.MethodGet, "/login_attempts/:id/response", s.loginResponse},
		{http.MethodGet, "/sessions", s.listSessions},
		{http.MethodDelete, "/sessions/:id", bodiless(s.deleteSession)},
	}
}

// directoryRoutes are the routes of directories and of what belongs to them.
func (s *Server) directoryRoutes() []route {
	return []route{
		{http.MethodGet, "/directories", s.listDirectories},
		{http.MethodPost, "/directories", s.createDirectory},
		{http.MethodGet, "/directories/:id", s.directory},
		{http.MethodPatch, "/directories/:id", s.updateDirectory},
		{http.MethodDelete, "/directories/:id", bodiless(s.deleteDirectory)},
		{http.MethodPost, "/directories/:id/sync", bodiless(s.syncDirectory)},
		{http.MethodGet, "/directories/:id/tokens", s.listTokens},
		{http.MethodPost, "/directories/:id/tokens", s.createToken},
		{http.MethodDelete, "/directories/:id/tokens/:token", bodiless(s.deleteToken)},
		{http.MethodGet, "/directories/:id/requests", s.listRequests},
		{http.MethodGet, "/directories/:id/adoptions", s.listAdoptions},
		{http.MethodPost, "/directories/:id/adoptions/:user/confirm", bodiless(s.confirmAdoption)},

		{http.MethodGet, "/directory_users", s.listDirectoryUsers},
		{http.MethodGet, "/directory_users/:id", s.directoryUser},
		{http.MethodGet, "/directory_groups", s.listDirectoryGroups},
		{http.MethodGet, "/directory_groups/:id", s.directoryGroup},
	}
}

// call is one authenticated request.
type call struct {
	echo.Context
	store *store.Store
	key   key
	query url.Values

	// again authenticates the call once more: while its body came, the key may have been deleted.
	again func() error
}

func (c *call) ctx() context.Context { return c.Request().Context() }

// owner finds the row that an API id names, if it is in an organization that the key reaches. It
// returns that organization and the stored id.
func (c *call) owner(kind model.Prefix, apiID string) (*store.Org, string, error) {
	id, err := stored(kind, apiID)
	if err != nil {
		return nil, "", err
	}
	var owner model.OrganizationID
	if kind == model.OrganizationPrefix {
		owner = model.OrganizationID(id)
		reached, err := organization.Across(c.store).Reaches(c.ctx(), c.key.scope, owner)
		if err != nil {
			return nil, "", err
		}
		if !reached {
			return nil, "", notFound(kind, apiID)
		}
	} else {
		if owner, err = operator.Across(c.store).OrganizationOf(c.ctx(), c.key.scope, kind, id); err != nil {
			return nil, "", err
		}
	}
	return c.store.Org(owner, c.key.actor), id, nil
}

// named is owner for the id in the path.
func (c *call) named(kind model.Prefix) (*store.Org, string, error) {
	return c.owner(kind, c.Param("id"))
}

// stored returns the stored id for an API id. It answers NotFound for text that is not an id of
// this kind.
func stored(kind model.Prefix, apiID string) (string, error) {
	id, ok := kind.Parse(model.Trimmed(apiID))
	if !ok {
		return "", notFound(kind, apiID)
	}
	return id, nil
}

func notFound(kind model.Prefix, apiID string) error {
	return model.NotFoundf("there is no %s %.64q", nouns[kind], apiID)
}

// nouns are the names of the objects that ids identify.
var nouns = map[model.Prefix]string{
	model.OrganizationPrefix:       "organization",
	model.OrganizationDomainPrefix: "organization domain",
	model.ApplicationPrefix:        "application",
	model.DirectoryPrefix:          "directory",
	model.DirectoryTokenPrefix:     "directory token",
	model.DirectoryUserPrefix:      "directory user",
	model.DirectoryGroupPrefix:     "directory group",
	model.UserPrefix:               "user",
	model.ConnectionPrefix:         "connection",
	model.SessionPrefix:            "session",
	model.LoginAttemptPrefix:       "login attempt",
	model.TombstonePrefix:          "tombstone",
	model.AccountPrefix:            "account",
	model.GroupPrefix:              "group",
	model.LicensePrefix:            "license",
	setup.LinkPrefix:               "set-up link",
	webhook.EndpointPrefix:         "webhook endpoint",
	model.EventPrefix:              "event",
}
