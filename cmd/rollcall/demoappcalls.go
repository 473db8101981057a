package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// profile is what Rollcall answers about a user.
type profile struct {
	ID             string
	OrganizationID string  `json:"organization_id"`
	ConnectionType string  `json:"connection_type"`
	Email          string  `json:"email"`
	FirstName      *string `json:"first_name"`
	LastName       *string `json:"last_name"`
	Role           *struct{ Slug string }
	Groups         []string
	Accounts       []account
}

// account is an account in which the user has a license, with the user's groups in it.
type account struct {
	Name   string
	Groups []struct {
		Name        string
		Permissions []string
	}
}

// Local is the e-mail address up to its @.
func (p profile) Local() string {
	local, _, _ := strings.Cut(p.Email, "@")
	return local
}

// Domain is the e-mail address after its @.
func (p profile) Domain() string {
	_, domain, _ := strings.Cut(p.Email, "@")
	return domain
}

// newestEvent returns the id of the newest event, empty when there is none.
func (a *analytics) newestEvent(ctx context.Context) (string, error) {
	var list struct{ Data []struct{ ID string } }
	err := a.ask(ctx, http.MethodGet, "/events?order=desc&limit=1", a.secret, nil, &list)
	if err != nil || len(list.Data) == 0 {
		return "", err
	}
	return list.Data[0].ID, nil
}

const maxPages = 1000 // of events, for one look

// whyEnded searches the events since the sign-in for the one that ended the user's access.
func (a *analytics) whyEnded(ctx context.Context, v visitor) (*ending, error) {
	query := url.Values{"events": {"user.access_ended"}, "organization_id": {v.profile.OrganizationID},
		"limit": {"100"}}
	after := v.cursor
	for range maxPages {
		if after != "" {
			query.Set("after", after)
		}
		var list struct {
			Data []struct {
				ID        string
				CreatedAt time.Time `json:"created_at"`
				Data      struct {
					Reason     string
					ProfileIDs []string `json:"profile_ids"`
				}
			}
		}
		if err := a.ask(ctx, http.MethodGet, "/events?"+query.Encode(), a.secret, nil, &list); err != nil {
			return nil, err
		}
		for _, e := range list.Data {
			if slices.Contains(e.Data.ProfileIDs, v.profile.ID) {
				return &ending{e.Data.Reason, e.CreatedAt}, nil
			}
			after = e.ID
		}
		if len(list.Data) == 0 {
			break
		}
	}
	return &ending{At: time.Now()}, nil
}

// refusal is an answer of Rollcall other than success (RFC 6749 §5.2).
type refusal struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *refusal) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.Code) }

// ask calls Rollcall. The body is a form if it is url.Values, none if it is nil, and JSON
// otherwise.
func (a *analytics) ask(ctx context.Context, method, path, bearer string, body, into any) error {
	var payload bytes.Buffer
	contentType := "application/x-www-form-urlencoded"
	switch body := body.(type) {
	case nil:
	case url.Values:
		payload.WriteString(body.Encode())
	default:
		contentType = "application/json"
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, a.rollcall+path, &payload)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	content := io.LimitReader(answer.Body, 4<<20)
	if answer.StatusCode >= http.StatusMultipleChoices {
		refused := &refusal{status: answer.StatusCode}
		_ = json.NewDecoder(content).Decode(refused) // without JSON the status is enough
		return refused
	}
	return json.NewDecoder(content).Decode(into)
}
