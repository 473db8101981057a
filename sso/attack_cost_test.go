package sso_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// costs are messages within every limit of size that take seconds to read for a naive reader. They
// need no key and no login.
var costs = []attack{
	{"cost", "many attributes that could be the same by their namespaces", func(genuine) string {
		return posted(prefixedAttributes(1800))
	}, saml.MissingStatus},
	{"cost", "many namespaces to canonicalize", after(referencePath+"/DigestMethod",
		func(_ genuine, el *etree.Element) {
			for depth := range 23 {
				el = el.CreateElement("a")
				for i := range 31 {
					el.CreateAttr(fmt.Sprintf("xmlns:n%d_%d", depth, i), "urn:x")
				}
			}
			for range 4800 {
				el.CreateElement("a")
			}
		}), saml.TooManyNamespaces},
	{"cost", "many elements to canonicalize", after(referencePath+"/DigestMethod", func(_ genuine, el *etree.Element) {
		for range 4800 {
			el.CreateElement("a")
		}
	}), saml.AmbiguousSignature},
	{"cost", "many prefixes that are to be inclusive", after("//CanonicalizationMethod",
		func(_ genuine, el *etree.Element) {
			var list strings.Builder
			for i := range 60_000 {
				fmt.Fprintf(&list, "n%d ", i)
			}
			el = el.CreateElement("ec:InclusiveNamespaces")
			el.CreateAttr("xmlns:ec", excC14N)
			el.CreateAttr("PrefixList", list.String())
		}), saml.WrongKey},
	{"cost", "more namespaces than anybody declares", replaced(`<samlp:Status>`,
		`<samlp:Status`+namespaces("a", 31)+`><samlp:StatusDetail`+namespaces("b", 31)+`><a`+namespaces("c",
			1)+`/></samlp:StatusDetail>`), saml.TooManyNamespaces},
}

func namespaces(name string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` xmlns:%s%d="urn:%d"`, name, i, i)
	}
	return b.String()
}

// prefixedAttributes is half a megabyte, deep down in it elements whose attributes have one local
// name and as many namespaces, all of them declared at the root.
func prefixedAttributes(elements int) string {
	var plain, prefixed strings.Builder
	for i := range 31 {
		fmt.Fprintf(&plain, ` z%d=""`, i)
		fmt.Fprintf(&prefixed, ` n%d:x=""`, i)
	}
	const depth = 29
	return `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r"><a` + namespaces("n", 31) + `>` +
		strings.Repeat("<a"+plain.String()+">", depth) + strings.Repeat("<a"+prefixed.String()+"/>", elements) +
		strings.Repeat("</a>", depth+1) + `</p:Response>`
}

// A stranger who has no login and no key, and knows only the address, does not get seconds of our
// time.
func TestCostlyMessagesOfStrangers(t *testing.T) {
	t.Parallel()
	x := newTarget(t)
	g, _ := x.begin(t)
	for _, a := range costs {
		t.Run(a.name, func(t *testing.T) {
			response := a.make(g)
			// No reader can avoid building the tree, which takes long on a slow machine.
			start := time.Now()
			must(t, etree.NewDocument().ReadFromString(decoded(t, response)))
			most := max(2*time.Second, 20*time.Since(start))
			start = time.Now()
			answer := x.browser().post(x.sp(x.connection, "/acs"), map[string][]string{"SAMLResponse": {response}})
			if took := time.Since(start); took > most {
				t.Errorf("%d bytes took %s, %s at most", len(response), took, most)
			}
			x.refused(x.tenant, answer, string(a.want))
		})
	}
}
