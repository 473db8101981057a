package requestlog

import (
	"context"

	"rollcall/model"
	"rollcall/model/directory"
	"rollcall/model/internal/tenant"
)

// Request is a line of the request log of a directory, which the customer's IT reads. It
// has no personal data: the caller of Log.Add has replaced each value that the client sent,
// other than ids of resources, with Redacted.
type Request struct {
	ID             string               `gorm:"primaryKey" json:"id"`
	OrganizationID model.OrganizationID `gorm:"<-:create" json:"organization_id"`
	DirectoryID    string               `json:"directory_id"`
	Method         string               `json:"method"`
	Path           string               `json:"path"`        // as the route is written: /Users/:id
	ResourceID     string               `json:"resource_id"` // of the resource that the request is about; may be empty
	Filter         string               `json:"filter"`      // without the values
	Status         int64                `json:"status"`
	ScimType       string               `json:"scim_type"` // of the error, as the client got it
	Detail         string               `json:"detail"`    // of the error, without the values
	Duration       int64                `json:"duration"`  // in microseconds
	TokenID        string               `json:"token_id"`
	TokenName      string               `json:"token_name"`
	TokenSuffix    string               `json:"token_suffix"`
	RequestID      string               `json:"request_id"` // as in the server's own log
	CreatedAt      model.Time           `gorm:"autoCreateTime:false" json:"-"`
}

// TableName is the table of Request.
func (Request) TableName() string { return "directory_requests" }

// Redacted replaces a value in a request log.
const Redacted = "…"

// RequestObject is the public form of a Request.
type RequestObject struct {
	Object         string             `json:"object"`
	ID             string             `json:"id"`
	OrganizationID string             `json:"organization_id"`
	DirectoryID    string             `json:"directory_id"`
	Method         string             `json:"method"`
	Path           string             `json:"path"`
	ResourceID     *string            `json:"resource_id"`
	Filter         *string            `json:"filter"`
	Status         int64              `json:"status"`
	ScimType       *string            `json:"scim_type"`
	Detail         *string            `json:"detail"`
	DurationMS     float64            `json:"duration_ms"`
	Token          requestTokenObject `json:"token"`
	RequestID      string             `json:"request_id"`
	CreatedAt      model.Time         `json:"created_at"`
}

// requestTokenObject is the token of a request, which may have been deleted since.
type requestTokenObject struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	TokenSuffix string `json:"token_suffix"`
}

// PublicForm returns the object that the API shows.
func (r *Request) PublicForm() RequestObject {
	return RequestObject{
		Object:         "directory_request",
		ID:             model.DirectoryRequestPrefix.ID(r.ID),
		OrganizationID: model.OrganizationPrefix.ID(string(r.OrganizationID)),
		DirectoryID:    model.DirectoryPrefix.ID(r.DirectoryID),
		Method:         r.Method,
		Path:           r.Path,
		ResourceID:     model.OrNull(r.ResourceID),
		Filter:         model.OrNull(r.Filter),
		Status:         r.Status,
		ScimType:       model.OrNull(r.ScimType),
		Detail:         model.OrNull(r.Detail),
		DurationMS:     float64(r.Duration) / 1000,
		Token:          requestTokenObject{model.DirectoryTokenPrefix.ID(r.TokenID), r.TokenName, r.TokenSuffix},
		RequestID:      r.RequestID,
		CreatedAt:      r.CreatedAt,
	}
}

// Requests lists the request log of a directory.
func (o Org) Requests(ctx context.Context, directoryID string, p model.Page) ([]Request, model.PageInfo, error) {
	if _, err := directory.In(o).Directory(ctx, directoryID); err != nil {
		return nil, model.PageInfo{}, err
	}
	db := tenant.Read(ctx, o).Model(&Request{}).Where("directory_id = ?", directoryID)
	return tenant.Paged(o, db, p, func(r Request) string { return r.ID })
}
