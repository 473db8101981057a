package directory

import (
	"context"
	"fmt"

	"rollcall/model"
	"rollcall/model/internal/across"
	"rollcall/model/internal/tenant"
)

// DirectoryRequest is a SCIM request of a directory, for the customer's IT. It
// holds nobody's data: whoever adds one has put Redacted in place of every value
// that a client sent, but for ids of resources.
type DirectoryRequest struct {
	ID             string               `gorm:"primaryKey" json:"id"`
	OrganizationID model.OrganizationID `gorm:"<-:create" json:"organization_id"`
	DirectoryID    string               `json:"directory_id"`
	Method         string               `json:"method"`
	Path           string               `json:"path"`        // as the route is written: /Users/:id
	ResourceID     string               `json:"resource_id"` // of the resource that it is about; may be empty
	Filter         string               `json:"filter"`      // without the values
	Status         int64                `json:"status"`
	ScimType       string               `json:"scim_type"` // why it was refused, as the client was told
	Detail         string               `json:"detail"`    // likewise, without the values
	Duration       int64                `json:"duration"`  // in microseconds
	TokenID        string               `json:"token_id"`
	TokenName      string               `json:"token_name"`
	TokenSuffix    string               `json:"token_suffix"`
	RequestID      string               `json:"request_id"` // as in the server's own log
	CreatedAt      model.Time           `gorm:"autoCreateTime:false" json:"-"`
}

// Redacted stands in a request log where a value stood.
const Redacted = "…"

// keptRequests is how many requests of a directory a sweep leaves.
const keptRequests = 1000

// DirectoryRequestObject is the public form of a DirectoryRequest.
type DirectoryRequestObject struct {
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
	Token          RequestTokenObject `json:"token"`
	RequestID      string             `json:"request_id"`
	CreatedAt      model.Time         `json:"created_at"`
}

// RequestTokenObject tells which token a request was made with. It need not exist any more.
type RequestTokenObject struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	TokenSuffix string `json:"token_suffix"`
}

// PublicForm returns the object that the API shows.
func (r *DirectoryRequest) PublicForm() DirectoryRequestObject {
	return DirectoryRequestObject{
		Object: "directory_request", ID: model.DirectoryRequestPrefix.ID(r.ID), OrganizationID: model.OrganizationPrefix.ID(string(r.OrganizationID)),
		DirectoryID: model.DirectoryPrefix.ID(r.DirectoryID), Method: r.Method, Path: r.Path, ResourceID: tenant.OrNull(r.ResourceID),
		Filter: tenant.OrNull(r.Filter), Status: r.Status, ScimType: tenant.OrNull(r.ScimType), Detail: tenant.OrNull(r.Detail),
		DurationMS: float64(r.Duration) / 1000, Token: RequestTokenObject{model.DirectoryTokenPrefix.ID(r.TokenID), r.TokenName, r.TokenSuffix},
		RequestID: r.RequestID, CreatedAt: r.CreatedAt,
	}
}

// DirectoryRequests lists the request log of a directory.
func (o Org) DirectoryRequests(ctx context.Context, directoryID string, p model.Page) ([]DirectoryRequest, model.PageInfo, error) {
	if _, err := o.Directory(ctx, directoryID); err != nil {
		return nil, model.PageInfo{}, err
	}
	db := tenant.Read(o).WithContext(ctx).Model(&DirectoryRequest{}).Where("directory_id = ?", directoryID)
	return tenant.Paged(o, db, p, func(r DirectoryRequest) string { return r.ID })
}

// SweepRequests deletes all but the last requests of each directory.
func (s Store) SweepRequests(ctx context.Context) (swept int64, err error) {
	var full []string
	err = across.Read(ctx, s).Model(&DirectoryRequest{}).Group("directory_id").Having("count(*) > ?", keptRequests).
		Pluck("directory_id", &full).Error
	if err != nil {
		return 0, tenant.Translate(s, fmt.Errorf("count requests: %w", err))
	}
	for _, directory := range full {
		var last []string // of those that stay
		of := across.DB(ctx, s).Model(&DirectoryRequest{}).Where("directory_id = ?", directory)
		if err := of.Order("id DESC").Offset(keptRequests-1).Limit(1).Pluck("id", &last).Error; err != nil {
			return swept, tenant.Translate(s, fmt.Errorf("find old requests: %w", err))
		}
		if len(last) == 0 {
			continue
		}
		r := across.DB(ctx, s).Where("directory_id = ? AND id < ?", directory, last[0]).Delete(&DirectoryRequest{})
		if r.Error != nil {
			return swept, tenant.Translate(s, fmt.Errorf("sweep requests: %w", r.Error))
		}
		swept += r.RowsAffected
	}
	return swept, nil
}
