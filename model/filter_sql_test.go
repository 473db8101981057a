package model

import (
	"regexp"
	"strings"
	"testing"

	"github.com/scim2/filter-parser/v2"
	"gorm.io/gorm/clause"
)

// Every leaf that compiles to SQL, with each operator that it has.
var (
	userLeaves = []string{
		`id eq "x"`, `userName eq "x"`, `externalId eq "x"`, `displayName eq "x"`, `active eq true`, `active eq false`,
		`emails eq "x"`, `emails.value eq "x"`, `emails.type eq "work"`, `emails.primary eq true`,
		`emails[value eq "x"]`, `emails[type eq "work"]`, `emails[primary eq true]`, `emails[type eq "work" and value eq "x"]`, `emails[primary eq false and value eq "x"]`,
		`phoneNumbers eq "x"`, `phoneNumbers.value eq "x"`, `phoneNumbers[type eq "work" and value eq "x"]`,
		`manager eq "x"`, `manager.value eq "x"`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "x"`,
	}
	groupLeaves = []string{
		`id eq "x"`, `displayName eq "x"`, `externalId eq "x"`, `members eq "x"`, `members.value eq "x"`, `members[value eq "x"]`,
	}
)

// first is how a sub-select names the organization: before and beside all else.
var first = regexp.MustCompile(`WHERE (\w+\.)?organization_id = \? AND `)

func TestFilterNamesTheOrganizationInEverySubSelect(t *testing.T) {
	for _, d := range []dialect{sqliteDialect, postgresDialect} {
		o := &Org{ID: "the organization", store: &Store{dialect: d}}
		check := func(t *testing.T, e clause.Expr) {
			t.Helper()
			named := 0
			for _, v := range e.Vars {
				if v == o.ID {
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
			leaves []string
			leaf   leafCompiler
		}{{userLeaves, o.userLeaf}, {groupLeaves, o.groupLeaf}} {
			for _, text := range side.leaves {
				for _, form := range []string{text, `not (` + text + `)`, text + ` and ` + text, text + ` or ` + text} {
					t.Run(d.name()+" "+form, func(t *testing.T) {
						parsed, err := filter.ParseFilter([]byte(form))
						if err != nil {
							t.Fatal(err)
						}
						compiled, err := compile(parsed, side.leaf)
						if err != nil {
							t.Fatal(err)
						}
						check(t, compiled)
					})
				}
			}
		}
		t.Run(d.name()+" adoptable", func(t *testing.T) { check(t, o.adoptable()) })
	}
}
