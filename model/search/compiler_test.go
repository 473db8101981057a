package search

import (
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm/clause"

	"rollcall/model/internal/tenant"
	"rollcall/scim/filter"
)

// The filters of which each sub-select must name the organization: all kinds of attributes, with
// all operators.
var (
	userPaths = []string{
		`id`, `userName`, `externalId`, `displayName`, `emails`, `emails.value`, `emails.type`, `emails.display`,
		`phoneNumbers`, `manager`, `manager.value`, `manager.displayName`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`,
		`groups`, `groups.value`, `groups.display`, `groups.type`, `groups.$ref`, `title`, `name.givenName`,
		`addresses.country`, `urn:x:y.z`, `urn:x:y`, `meta.location`, `meta.version`, `meta.resourceType`, `schemas`,
	}
	userLeaves = append(compared(userPaths...),
		`active eq true`, `active ne false`, `active pr`, `emails.primary eq true`,
		`meta.created gt "2026-01-01T00:00:00Z"`, `meta pr`, `urn:x:y gt 5`, `urn:x:y eq true`,
		`emails[value eq "x"]`, `emails[type eq "work" and value eq "x"]`,
		`emails[primary eq false and not (value sw "x")]`, `emails[type eq "work" or display co "x"]`,
		`phoneNumbers[type eq "work" and value eq "x"]`,
		`groups[display eq "x" and (value eq "x" or type eq "direct")]`,
		`addresses[type eq "work" and not (country pr)]`,
		`urn:x:y[a eq 5 or b co "x"]`, `meta[created gt "2026-01-01T00:00:00Z" and version eq "x"]`,
		`schemas[value sw "urn:x"]`,
	)
	groupLeaves = append(compared(`id`, `displayName`, `externalId`, `members`, `members.value`, `members.display`,
		`members.type`, `members.$ref`, `urn:x:y`, `meta.location`, `schemas`),
		`members[value eq "x"]`, `members[value eq "x" and display co "y"]`,
		`members[type eq "User" or not (display pr)]`, `urn:x:y[a eq "x"]`,
		`meta.lastModified le "2026-01-01T00:00:00Z"`,
	)
)

// compared is each path with each operator.
func compared(paths ...string) []string {
	var leaves []string
	for _, path := range paths {
		leaves = append(leaves, path+" pr")
		for _, operator := range []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"} {
			leaves = append(leaves, path+" "+operator+` "x"`)
		}
	}
	return leaves
}

// first is how a sub-select names the organization: in its first condition.
var first = regexp.MustCompile(`WHERE (\w+\.)?organization_id = \? AND `)

func TestFilterNamesTheOrganizationInEverySubSelect(t *testing.T) {
	t.Parallel()
	for _, d := range []tenant.Dialect{tenant.SqliteDialect, tenant.PostgresDialect} {
		db := DB{Dialect: d, Organization: "the organization"}
		check := func(t *testing.T, e clause.Expr) {
			t.Helper()
			named := 0
			for _, v := range e.Vars {
				if v == string(db.Organization) || v == db.Organization {
					named++
				}
			}
			subSelects := strings.Count(strings.ToUpper(e.SQL), "SELECT ")
			if subSelects != named || subSelects != len(first.FindAllString(e.SQL, -1)) {
				t.Errorf("%d sub-selects, the organization is named %d times: %s %v", subSelects, named, e.SQL, e.Vars)
			}
			if strings.Count(e.SQL, "?") != len(e.Vars) {
				t.Errorf("%d parameters for %s", len(e.Vars), e.SQL)
			}
		}
		for _, side := range []struct {
			leaves   []string
			compiler *compiler
		}{
			{userLeaves, newCompiler(db, Users, Query{})},
			{groupLeaves, newCompiler(db, Groups, Query{})},
		} {
			for _, text := range side.leaves {
				for _, form := range []string{text, `not (` + text + `)`, text + ` and ` + text, text + ` or ` + text} {
					t.Run(d.Name()+" "+form, func(t *testing.T) {
						parsed, err := filter.Parse(form)
						if err != nil {
							t.Fatal(err)
						}
						compiled, err := side.compiler.compile(parsed)
						if err != nil {
							t.Fatal(err)
						}
						check(t, compiled)
					})
				}
			}
		}
		for _, name := range []string{
			"userName", "displayName", "active", "title", "emails", "name.givenName", "urn:x:y", "meta.created",
		} {
			t.Run(d.Name()+" sorted by "+name, func(t *testing.T) {
				path, err := filter.ParsePath(name)
				if err != nil {
					t.Fatal(err)
				}
				sorted, err := newCompiler(db, Users, Query{}).order(&Sort{By: path.AttributePath})
				if err != nil {
					t.Fatal(err)
				}
				check(t, sorted.list(func(k sortKey) clause.Expr { return k.sql }))
			})
		}
	}
}
