package web_test

import (
	"net/netip"
	"slices"
	"testing"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/web"
)

func TestLookupTXT(t *testing.T) {
	t.Parallel()
	const name = "_sso-verify.contoso.example"
	absent := netip.MustParseAddrPort("127.0.0.1:1")
	for title, c := range map[string]struct {
		records [][]string // of one server each; nil where it does not know the name
		failing int        // the number of the server that fails, from 1
		absent  bool       // there is one more, at an address where nothing listens
		want    []string
		none    bool // DNS says that there is nothing
	}{
		"one server's answer": {records: [][]string{{"token", "other"}},
			want: []string{"other", "token"}},
		"two that agree, in whatever order": {records: [][]string{{"a", "b"}, {"b", "a"}},
			want: []string{"a", "b"}},
		"two that disagree say nothing":          {records: [][]string{{"a"}, {"b"}}},
		"one that knows and one that does not":   {records: [][]string{{"a"}, nil}},
		"no such name":                           {records: [][]string{nil, nil}, none: true},
		"a name without such records":            {records: [][]string{{}}, none: true},
		"a server that fails says nothing":       {records: [][]string{{"a"}}, failing: 1},
		"a server that is not there":             {records: [][]string{{"a"}}, absent: true},
		"one of two fails":                       {records: [][]string{{"a"}, {"a"}}, failing: 2},
		"one knows none and the other one fails": {records: [][]string{nil, nil}, failing: 2},
	} {
		t.Run(title, func(t *testing.T) {
			var servers []netip.AddrPort
			for i, texts := range c.records {
				d := modeltest.NewDNS(t)
				if texts != nil {
					d.SetTXT(name, texts...)
				}
				d.Fail(i+1 == c.failing)
				servers = append(servers, d.Address)
			}
			if c.absent {
				servers = append(servers, absent)
			}
			got, err := web.NewLookupTXT(servers)(t.Context(), name)
			none := model.KindOf(err) == model.NotFound
			if (err == nil) != (c.want != nil) || none != c.none || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
