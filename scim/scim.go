package scim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/requestlog"
	"rollcall/model/store"
	"rollcall/web"
)

// Server answers identity providers.
type Server struct {
	Store *store.Store

	// PublicURL is where identity providers reach this server: scheme, host and what a proxy puts
	// before /scim. Every location in an answer begins with it.
	PublicURL string

	// Rate is how many requests a second a directory may make of this process, in bursts of twice
	// that. 0 is no limit.
	Rate int

	// Requests is the log that every request of a directory is added to; nil keeps no log.
	Requests *requestlog.Log

	// Now is the clock of the rate limit and of durations; time.Now when nil.
	Now func() time.Time

	// Log gets a line for each request that is refused, with the directory and the scimType, so
	// that an operator finds out what an identity provider does wrong. It is slog.Default when
	// nil.
	Log *slog.Logger
}

// root is the path of all SCIM requests.
const root = "/scim/v2"

// Mount registers everything below /scim, and has every error there answered in SCIM's form. It is
// called once, at start, since it makes the schemas.
func (s *Server) Mount(e *echo.Echo) {
	v := newService(s)
	web.Errors(e, render, "/scim")
	e.POST(tokenPath, v.token)
	e.Any(root+"/:directory", v.serve)
	e.Any(root+"/:directory/*", v.serve)
}

// resourceTypes are the types of the resources that a directory has, and the routes to the
// resources and to the descriptions of their types.
type resourceTypes struct {
	users, groups *resourceType
	routes        map[string]route
}

// service is a Server with everything that is made once.
type service struct {
	store *store.Store
	url   string // the public URL of root
	log   *slog.Logger
	lines *requestlog.Log // may be nil
	resourceTypes
	strict   resourceTypes // for strict directories
	declared declaredTypes
	limit    *limiter
	answers  *web.Budget // of bytes of answers, by directory
	lane     *lane
}

func newService(s *Server) *service {
	v := &service{
		store: s.Store,
		url:   strings.TrimSuffix(s.PublicURL, "/") + root,
		log:   s.Log,
		lines: s.Requests,

		resourceTypes: newResourceTypes(),

		limit:   newLimiter(s.Rate, s.Now),
		answers: web.NewBudget(allAnswers, eachAnswers),
		lane:    newLane(),
	}
	v.declared.init()
	v.strict = v.forStrict()
	if v.limit.now == nil {
		v.limit.now = time.Now
	}
	if v.log == nil {
		v.log = slog.Default()
	}
	return v
}

// exchange is one request of an authenticated directory, after routing. It knows nothing of HTTP's
// server side, so that one HTTP request may hold several.
type exchange struct {
	*service
	resourceTypes // as the directory declares them, strict or not
	access        *directory.Access
	directory     *directory.Directory // of access
	org           *store.Org
	contents      directory.Contents // of the directory, while the token of this request is there
	base          string             // the public URL of the directory, without a slash at its end
	pattern       string             // of the route, requestlog.Redacted where there is none
	id            string             // the last segment of the path, where the route has it for a variable
	parameters    parameters
	conditions    conditions
	read          bool   // with GET and HEAD, which may be answered by 304
	body          []byte // with POST, PUT and PATCH
	held          *holding
}

// answer is the answer of a handler. Without a body there is only the status.
type answer struct {
	status   int
	location string
	tag      string // the entity tag of the one resource that the answer is about
	body     []byte

	passedOver error // why the rest of a request was refused that ended access all the same
}

// handler carries out one request.
type handler func(x *exchange, ctx context.Context) (answer, error)

// serve authenticates the request first: before the token is known, it reads nothing of the
// request, and reveals nothing about what exists here.
func (s *service) serve(c echo.Context) error {
	ctx := c.Request().Context()
	access, err := s.authenticate(ctx, c)
	if err != nil {
		return fail(err)
	}
	began := s.limit.now()
	x := s.exchange(access)
	defer x.release()
	a, err := x.serve(ctx, c)
	x.leave()
	if !tooMany(err) { // whoever asks too fast costs no statement
		// What was found while the token went is not answered, and neither is why a request failed.
		if gone := x.contents.Confirm(ctx); gone != nil {
			a, err = answer{}, gone
		}
	}
	s.note(ctx, access, x, c.Request(), a, err, began)
	if err != nil {
		r := refused(err)
		if r.Status == http.StatusUnauthorized {
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, invalidToken)
		}
		if r.Status < http.StatusInternalServerError {
			s.log.InfoContext(ctx, "SCIM request refused", "request", web.RequestID(ctx),
				"directory", model.DirectoryPrefix.ID(access.Directory.ID), "status", r.Status, "type", r.ScimType)
		}
		return fail(err)
	}
	if a.location != "" {
		c.Response().Header().Set(echo.HeaderLocation, a.location)
	}
	if a.tag != "" {
		c.Response().Header().Set("ETag", a.tag)
	}
	if a.body == nil {
		// Clients of SCIM-SDK count an answer of another type as a failure, one without a body too.
		c.Response().Header().Set(echo.HeaderContentType, contentType)
		return c.NoContent(a.status)
	}
	return c.Blob(a.status, contentType, a.body)
}

// exchange begins a request with a token.
func (s *service) exchange(access *directory.Access) *exchange {
	d := &access.Directory
	org := s.store.Org(d.OrganizationID, d.Actor())
	return &exchange{service: s, access: access, directory: d, org: org, contents: access.Contents(org),
		base: s.url + "/" + model.DirectoryPrefix.ID(d.ID), pattern: requestlog.Redacted, held: &holding{}}
}

// tooFast refuses a directory that makes more requests than it may.
func (s *service) tooFast(wait time.Duration) error {
	return &Refused{Status: http.StatusTooManyRequests, RetryAfter: wait, Detail: fmt.Sprintf(
		"the directory makes more than %d requests a second; try again after Retry-After", s.limit.rate)}
}

// serve carries the request out, unless the directory makes too many.
func (x *exchange) serve(ctx context.Context, c echo.Context) (answer, error) {
	r := c.Request()
	var err error
	if x.resourceTypes, err = x.typesOf(x.access); err != nil {
		return answer{}, err
	}
	_, below := directoryPath(r)
	path, err := segments(below)
	var route route
	if err == nil {
		route, x.id, err = x.route(path)
	}
	if err == nil {
		x.pattern = route.pattern
	}
	if wait := x.limit.wait(x.directory.ID, 1); wait > 0 {
		err = x.tooFast(wait)
	}
	if err != nil {
		return answer{}, err
	}
	c.SetPath(root + "/:directory" + route.pattern) // for the log
	handle, err := route.handler(r.Method)
	if err != nil || handle == nil {
		c.Response().Header().Set(echo.HeaderAllow, route.allow())
		return answer{status: http.StatusNoContent}, err
	}
	x.conditions = conditionsOf(r.Header)
	x.read = r.Method == http.MethodGet || r.Method == http.MethodHead
	if err = web.KnownSender(r, "directory:"+x.directory.ID); err != nil {
		return answer{}, crowded(crowdedBody)
	}
	if x.body, err = readBody(r, c.Response().Header()); err != nil {
		return answer{}, err
	}
	if x.parameters, err = parseParameters(r.URL.RawQuery); err != nil {
		return answer{}, err
	}
	if route.pattern == "/Bulk" { // whose operations are requests of their own
		return handle(x, ctx)
	}
	return x.inLane(ctx, handle)
}

// crowdedBody tells a directory that sends more bytes at once than it may.
const crowdedBody = "the directory sends too many bytes at once; send this again after Retry-After"

// readBody returns the body of a request that has one by its method. Its size is limited by web. If
// it is refused for its form, the header of the answer says which forms there are (RFC 9110
// §15.5.16).
func readBody(r *http.Request, answer http.Header) ([]byte, error) {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return nil, nil
	}
	// RFC 7644 §8.1; Okta and most scripts send application/json.
	if sent := r.Header.Get(echo.HeaderContentType); sent != "" {
		switch kind, _, _ := mime.ParseMediaType(sent); kind {
		case "application/scim+json", "application/json":
		default:
			answer.Set(echo.HeaderAccept, "application/scim+json, application/json")
			return nil, refuse(http.StatusUnsupportedMediaType,
				"the Content-Type must be application/scim+json or application/json")
		}
	}
	// RFC 9110 §8.4 and §12.5.3
	if coding := r.Header.Get(echo.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		answer.Set(echo.HeaderAcceptEncoding, "identity")
		return nil, refuse(http.StatusUnsupportedMediaType, "the body must have no Content-Encoding")
	}
	var body bytes.Buffer
	if r.ContentLength > 0 { // there is room for it, see web.KnownSender
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(r.Body); err != nil {
		if web.IsCrowded(err) {
			err = crowded(crowdedBody)
		}
		return nil, fmt.Errorf("read body: %w", err)
	}
	return body.Bytes(), nil
}
