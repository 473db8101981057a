package grant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"rollcall/model"
	"rollcall/model/internal/tenant"
	"rollcall/model/signon"
)

// Grant is what was granted to an application: the user whose session is live, and what the
// application may know about the user.
type Grant struct {
	*signon.SignedIn
	ApplicationID    string
	Scope            string
	Nonce            string     // of the code; empty for a token
	IssuedAt         model.Time // of the token
	ExpiresAt        model.Time // of the token
	OrganizationName string
	EmailVerified    bool // the e-mail address is under a verified domain of the organization
	Groups           []string
	Accounts         []signon.ProfileAccount
}

// grantRow is a Grant as one statement reads it.
type grantRow struct {
	signon.SignedInRow
	ApplicationID, Scope, Nonce string
	IssuedAt, TokenEnd          model.Time
	OrganizationName            string
	UserUpdatedAt               model.Time
	EmailVerified               bool
	GroupNames, Seats           string // JSON
}

// userColumns are what a grant says about the user, beside the columns of the issued row t. The
// groups of a user of a directory are those of the directory, and those of any other user are those
// that the identity provider asserted (docs/design/identity.md, "Groups"). A user who waits for a
// seat in an account is not in its groups yet.
func userColumns(d tenant.Dialect) string {
	list, object, document := "json_group_array", "json_object", "json"
	if d == tenant.PostgresDialect {
		list, object, document = "json_agg", "json_build_object", "to_json"
	}
	rows := func(element, from string) string {
		return "(SELECT " + list + "(" + element + ") FROM " + from + ")"
	}
	asserted := rows("x.name", `asserted_groups x WHERE x.organization_id = s.organization_id
		AND x.user_id = s.user_id AND x.connection_id = COALESCE(i.connection_id, '')`)
	pushed := rows("x.display_name", `directory_group_members m JOIN directory_groups x
		ON x.organization_id = m.organization_id AND x.id = m.group_id
		WHERE m.organization_id = s.organization_id AND m.user_id = s.user_id`)
	group := object + "('id', x.id, 'name', x.name, 'permissions', x.permissions)"
	groups := rows(group, `group_assignments m
		JOIN account_groups x ON x.organization_id = m.organization_id AND x.id = m.group_id
		WHERE m.organization_id = s.organization_id AND m.user_id = s.user_id AND x.account_id = y.id`)
	seat := object + "('id', y.id, 'name', y.name, 'groups', " + document + "(" + groups + "))"
	seats := rows(seat, `licenses l
		JOIN accounts y ON y.organization_id = l.organization_id AND y.id = l.account_id
		WHERE l.organization_id = s.organization_id AND l.user_id = s.user_id AND l.state = 'granted'`)
	return `, t.application_id, u.updated_at AS user_updated_at, g.name AS organization_name,
		EXISTS (SELECT 1 FROM organization_domains e
			WHERE e.organization_id = s.organization_id AND e.domain = u.email_domain AND e.state = 'verified'
		) AS email_verified,
		COALESCE(CAST(CASE WHEN u.directory_id IS NULL THEN ` + asserted + ` ELSE ` + pushed + ` END AS text), '[]')
		AS group_names, COALESCE(CAST(` + seats + ` AS text), '[]') AS seats`
}

// seat is an account as a statement reads it. On both databases permissions is text with JSON.
type seat struct {
	ID, Name string
	Groups   []struct{ ID, Name, Permissions string }
}

// grant makes a Grant of a row.
func (r *grantRow) grant(in *signon.SignedIn) (*Grant, error) {
	in.User.UpdatedAt = r.UserUpdatedAt
	g := &Grant{SignedIn: in, ApplicationID: r.ApplicationID, Scope: r.Scope, Nonce: r.Nonce, IssuedAt: r.IssuedAt,
		ExpiresAt: r.TokenEnd, OrganizationName: r.OrganizationName, EmailVerified: r.EmailVerified,
		Groups: []string{}, Accounts: []signon.ProfileAccount{}}
	var seats []seat
	if err := json.Unmarshal([]byte(r.GroupNames), &g.Groups); err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	if err := json.Unmarshal([]byte(r.Seats), &seats); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	slices.Sort(g.Groups)
	for _, s := range seats {
		a := signon.ProfileAccount{ID: model.AccountPrefix.ID(s.ID), Name: s.Name, Groups: []signon.ProfileGroup{}}
		for _, group := range s.Groups {
			out := signon.ProfileGroup{ID: model.GroupPrefix.ID(group.ID), Name: group.Name}
			if err := json.Unmarshal([]byte(group.Permissions), &out.Permissions); err != nil {
				return nil, fmt.Errorf("read permissions: %w", err)
			}
			a.Groups = append(a.Groups, out)
		}
		slices.SortFunc(a.Groups, func(x, y signon.ProfileGroup) int { return cmp.Compare(x.ID, y.ID) })
		g.Accounts = append(g.Accounts, a)
	}
	slices.SortFunc(g.Accounts, func(x, y signon.ProfileAccount) int { return cmp.Compare(x.ID, y.ID) })
	return g, nil
}
