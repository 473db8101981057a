package scim

import "testing"

func TestProjectionOfTextThatIsNotJSONDoesNotPanic(t *testing.T) {
	p := projection{except: selection{"a": nil}}
	for text, want := range map[string]string{
		`{"a":1,"b":2}`: ` {"b":2}`,
		`{"b"`:          ` {}`,
		`{"b":`:         ` {}`,
		`{"b":{"c":[`:   ` {"b":{"c":[}`,
		`["`:            ` ["]`,
		`[}`:            ` []`,
		`[[],{}]`:       ` []`,
		`{,}`:           ` {}`,
		`"`:             ` "`,
	} {
		if got, _ := p.appendValue([]byte{' '}, text); string(got) != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
