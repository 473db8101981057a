package web_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"rollcall/model"
	"rollcall/model/modeltest"
	"rollcall/model/organization"
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
			if (err == nil) != (c.want != nil) || none != c.none || !slices.Equal(got.Own, c.want) || got.Alias != nil {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// resource makes a resource record of DNS.
func resource(owner string, typ dnsmessage.Type, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Body: body, Header: dnsmessage.ResourceHeader{
		Name: dnsmessage.MustNewName(owner + "."), Type: typ, Class: dnsmessage.ClassINET, TTL: 60}}
}

func text(owner string, parts ...string) dnsmessage.Resource {
	return resource(owner, dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: parts})
}

func cname(owner, target string) dnsmessage.Resource {
	return resource(owner, dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(target + ".")})
}

// TestLookupTXTOwner reads under which names the records of an answer stand.
func TestLookupTXTOwner(t *testing.T) {
	t.Parallel()
	const name, other = "_sso-verify.contoso.example", "proof.fabrikam.example"
	dname := resource("contoso.example", 39, &dnsmessage.UnknownResource{Type: 39, Data: []byte("\x01x\x00")})
	chaos := text(name, "token")
	chaos.Header.Class = dnsmessage.ClassCHAOS
	long := strings.Repeat("x", 250)
	type found = organization.TXTRecords
	for title, c := range map[string]struct {
		answers []dnsmessage.Resource
		want    found // nothing is NotFound
	}{
		"the name itself": {[]dnsmessage.Resource{text(name, "to", "ken")}, found{Own: []string{"token"}}},
		"in another case": {[]dnsmessage.Resource{text("_SSO-Verify.Contoso.EXAMPLE", "token")},
			found{Own: []string{"token"}}},
		"an alias": {[]dnsmessage.Resource{cname(name, other), text(other, "token")},
			found{Alias: []string{"token"}}},
		"an alias of an alias, in any order": {[]dnsmessage.Resource{text(other, "token"),
			cname("b.example", other), cname(name, "b.example")}, found{Alias: []string{"token"}}},
		"an alias, and a record beside it": {[]dnsmessage.Resource{cname(name, other), text(name, "token"),
			text(other, "other")}, found{Alias: []string{"other"}}},
		"an alias without records":    {[]dnsmessage.Resource{cname(name, other)}, found{}},
		"aliases in a circle":         {[]dnsmessage.Resource{cname(name, other), cname(other, name)}, found{}},
		"a name that nobody asked of": {[]dnsmessage.Resource{text(other, "token")}, found{}},
		"a name that nobody asked of, beside the name": {[]dnsmessage.Resource{text(other, "token"),
			text(name, "other")}, found{Own: []string{"other"}}},
		"an alias of a name that nobody asked of": {[]dnsmessage.Resource{cname("b.example", other),
			text(other, "token")}, found{}},
		"a letter that only Unicode folds": {[]dnsmessage.Resource{text("_\u017fso-verify.contoso.example", "token")},
			found{}},
		"another class": {[]dnsmessage.Resource{chaos}, found{}},
		"a tree of aliases": {[]dnsmessage.Resource{dname, cname(name, other), text(other, "token")},
			found{Alias: []string{"token"}}},
		"a tree of aliases whose alias was left out": {[]dnsmessage.Resource{dname, text(name, "token")},
			found{Alias: []string{"token"}}},
		"more than one packet": {[]dnsmessage.Resource{text(name, long, long, long, long, long),
			text(name, "token")}, found{Own: []string{"token", strings.Repeat(long, 5)}}},
	} {
		t.Run(title, func(t *testing.T) {
			d := modeltest.NewDNS(t)
			d.SetRecords(name, c.answers...)
			got, err := web.NewLookupTXT([]netip.AddrPort{d.Address})(t.Context(), name)
			none := model.KindOf(err) == model.NotFound
			if empty := c.want.Own == nil && c.want.Alias == nil; none != empty || (err != nil) != empty {
				t.Error(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("servers that agree on the text and not on the name say nothing", func(t *testing.T) {
		own, alias := modeltest.NewDNS(t), modeltest.NewDNS(t)
		own.SetTXT(name, "token")
		alias.SetRecords(name, cname(name, other), text(other, "token"))
		got, err := web.NewLookupTXT([]netip.AddrPort{own.Address, alias.Address})(t.Context(), name)
		if err == nil || model.KindOf(err) == model.NotFound {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestLookupTXTForged sends a message that is no answer before the answer.
func TestLookupTXTForged(t *testing.T) {
	t.Parallel()
	const name = "_sso-verify.contoso.example"
	for title, forge := range map[string]func(*dnsmessage.Message){
		"another id": func(m *dnsmessage.Message) { m.ID++ },
		"a question": func(m *dnsmessage.Message) { m.Response = false },
		"an answer to another question": func(m *dnsmessage.Message) {
			m.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("fabrikam.example."),
				Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}}
		},
		"an answer to none": func(m *dnsmessage.Message) { m.Questions = nil },
	} {
		t.Run(title, func(t *testing.T) {
			d := modeltest.NewDNS(t)
			d.SetTXT(name, "token")
			d.Forge(func(m *dnsmessage.Message) {
				forge(m)
				m.Answers = []dnsmessage.Resource{text(name, "forged")}
			})
			got, err := web.NewLookupTXT([]netip.AddrPort{d.Address})(t.Context(), name)
			if err != nil || !slices.Equal(got.Own, []string{"token"}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
