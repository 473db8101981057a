package search

import (
	"testing"

	"rollcall/scim/filter"
)

func TestWhatAFilterNamesAndWhichIndexAnswersIt(t *testing.T) {
	for _, test := range []struct {
		filter              string
		namesOne, pinpoints bool
	}{
		{`userName eq "x"`, true, true},
		{`externalId eq "x"`, true, true},
		{`emails eq "x"`, true, true},
		{`emails.value eq "x"`, true, true},
		{`emails[type eq "work" and value eq "x"]`, true, true},
		{`userName eq "x" and title co "y"`, true, true},
		{`userName eq "x" and (title co "y" or title co "z")`, true, true},
		{`userName eq "x" or userName eq "y"`, false, true},
		{`emails[value eq "x" or value eq "y"]`, false, true},
		{`userName eq "x" or title co "y"`, false, false},
		{`userName sw "x"`, false, true},
		{`userName co "x"`, false, false},
		{`userName pr`, false, false},
		{`not (userName eq "x")`, false, false},
		{`emails.type eq "work"`, false, false},
		{`emails[type eq "work" or value eq "x"]`, false, false},
		{`id eq "x"`, false, true},
		{`displayName eq "x"`, false, true},
		{enterpriseURN + `:employeeNumber eq "x"`, false, true},
		{enterpriseURN + `:manager.value eq "x"`, false, true},
		{`urn:x:y:userName eq "x"`, false, false},
		{`title eq "x"`, false, false},
	} {
		t.Run(test.filter, func(t *testing.T) {
			e, err := filter.Parse(test.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := Users.NamesOne(e); got != test.namesOne {
				t.Errorf("names one: %v", got)
			}
			if got := Users.Pinpoints(e); got != test.pinpoints {
				t.Errorf("is answered from an index: %v", got)
			}
		})
	}
}
