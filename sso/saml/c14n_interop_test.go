//go:build interop

package saml_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	canonicalFiles = flag.Int("canonical-files", 120, "how many documents TestInteropCanonicalForm generates")
	canonicalSeed  = flag.Uint64("canonical-seed", 1, "the first of their seeds")
	canonicalKeep  = flag.String("canonical-keep", "", "a folder to keep them in")
)

// TestInteropCanonicalForm generates documents, has xmlsec1 calculate the digests of 100 elements
// in each, and compares them with our own.
func TestInteropCanonicalForm(t *testing.T) {
	folder := t.TempDir()
	key := filepath.Join(folder, "key")
	if err := os.WriteFile(key, []byte("a key of the test"), 0o600); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i := range *canonicalFiles {
		seed := *canonicalSeed + uint64(i)
		source, signed := filepath.Join(folder, "source.xml"), filepath.Join(folder, "signed.xml")
		if *canonicalKeep != "" {
			signed = filepath.Join(*canonicalKeep, fmt.Sprintf("generated-%d.xml", seed))
		}
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
		if err := os.WriteFile(source, []byte(g.document(100)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "xmlsec1", "--sign", "--id-attr:ID", "doc", "--hmackey", key,
			"--output", signed, source).CombinedOutput()
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, out)
		}
		document, err := os.ReadFile(signed)
		if err != nil {
			t.Fatal(err)
		}
		// xmlsec1 writes its own tree: the digests of it are compared with what was generated.
		generated, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		_, signature, _ := strings.Cut(string(document), "<ds:Signature")
		body, _, _ := strings.Cut(string(generated), "<ds:Signature")
		document = []byte(body + "<ds:Signature" + signature)
		if *canonicalKeep != "" {
			if err := os.WriteFile(signed, document, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if compared += compareDigests(t, document); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d elements have the same digest", compared)
	if compared < *canonicalFiles*100 {
		t.Errorf("only %d were compared", compared)
	}
}

// generator makes documents that a canonicalizer can get wrong.
type generator struct {
	*rand.Rand
	scope []map[string]string // the namespaces in scope, the innermost last
}

var (
	prefixes = []string{"", "a", "b", "c", "saml", "xs", "ñ"}
	// Without an ampersand: of that, libxml2 writes another reference than the specification.
	names     = []string{"urn:a", "urn:b", "urn:c", "http://example.org/?x=1", "urn:Z", "urn:oasis:names:tc"}
	locals    = []string{"x", "y", "Name", "type", "z-1", "Z", "ä", "_a.b"}
	fragments = []string{
		"text", " ", "\t", "\n", "\r\n", "\r", "\r\r\n", "&#9;", "&#10;", "&#13;", "&#xD;&#xA;", "&lt;", "&gt;", ">",
		"&amp;", "&quot;", "&apos;", "é", "😀", "\u0085", "\u2028", "&#x1F600;", "  ", "&#32;", "]x", "x=y",
	}
)

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// document returns a document with n elements that are signed, and a signature over them that has
// no values yet.
func (g *generator) document(n int) string {
	var b, references strings.Builder
	g.scope = []map[string]string{{"": ""}}
	b.WriteString("<root")
	g.push()
	g.declare(&b, 0.5)
	b.WriteString(">")
	for i := range n {
		around := g.IntN(3)
		for range around {
			g.push()
			b.WriteString("<around")
			g.declare(&b, 0.4)
			b.WriteString(">")
		}
		fmt.Fprintf(&b, `<doc ID="d%d"`, i)
		g.push()
		used := map[string]bool{"{}ID": true}
		g.declare(&b, 0.3)
		g.attributes(&b, used)
		b.WriteString(">")
		g.content(&b, 4)
		b.WriteString("</doc>")
		g.pop()
		for range around {
			b.WriteString("</around>")
			g.pop()
		}
		g.reference(&references, i)
	}
	const ns = "http://www.w3.org/2000/09/xmldsig#"
	b.WriteString(`<ds:Signature xmlns:ds="` + ns + `"><ds:SignedInfo><ds:CanonicalizationMethod ` +
		`Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod ` +
		`Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>` + references.String() +
		`</ds:SignedInfo><ds:SignatureValue/></ds:Signature></root>`)
	return b.String()
}

// reference writes a Reference to an element, half of them with a PrefixList.
func (g *generator) reference(b *strings.Builder, i int) {
	list := ""
	if g.IntN(2) == 0 {
		var some []string
		for _, prefix := range append(slices.Clone(prefixes), "none") {
			if g.IntN(3) == 0 {
				some = append(some, cmp.Or(prefix, "#default"))
			}
		}
		if len(some) > 0 {
			list = `<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="` +
				strings.Join(some, " ") + `"/>`
		}
	}
	fmt.Fprintf(b, `<ds:Reference URI="#d%d"><ds:Transforms><ds:Transform `+
		`Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">%s</ds:Transform></ds:Transforms><ds:DigestMethod `+
		`Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>`, i, list)
}

func (g *generator) push() {
	top := map[string]string{}
	for prefix, name := range g.scope[len(g.scope)-1] {
		top[prefix] = name
	}
	g.scope = append(g.scope, top)
}

func (g *generator) pop() { g.scope = g.scope[:len(g.scope)-1] }

// declare writes declarations, of each prefix with a probability.
func (g *generator) declare(b *strings.Builder, probability float64) {
	top := g.scope[len(g.scope)-1]
	for _, i := range g.Perm(len(prefixes)) {
		prefix := prefixes[i]
		if g.Float64() > probability {
			continue
		}
		name := pick(g, names)
		attribute := "xmlns:" + prefix
		if prefix == "" {
			attribute = "xmlns"
			if g.IntN(2) == 0 {
				name = ""
			}
		}
		top[prefix] = name
		fmt.Fprintf(b, ` %s="%s"`, attribute, name)
	}
	if g.IntN(20) == 0 {
		b.WriteString(` xmlns:xml="http://www.w3.org/XML/1998/namespace"`)
	}
}

// bound returns a prefix that is in scope.
func (g *generator) bound() string {
	var in []string
	for _, prefix := range prefixes {
		if prefix == "" || g.scope[len(g.scope)-1][prefix] != "" {
			in = append(in, prefix)
		}
	}
	return pick(g, in)
}

// attributes writes attributes with any prefix, none of them twice.
func (g *generator) attributes(b *strings.Builder, used map[string]bool) {
	for range g.IntN(5) {
		prefix, local := g.bound(), pick(g, locals)
		name := ""
		if prefix != "" {
			name = g.scope[len(g.scope)-1][prefix]
		}
		if g.IntN(8) == 0 {
			prefix, name, local = "xml", "xml", pick(g, []string{"lang", "base"})
		}
		if used["{"+name+"}"+local] {
			continue
		}
		used["{"+name+"}"+local] = true
		if prefix != "" {
			prefix += ":"
		}
		quote := pick(g, []string{`"`, `'`})
		fmt.Fprintf(b, " %s%s=%s%s%s", prefix, local, quote, g.text(), quote)
	}
}

func (g *generator) text() string {
	var b strings.Builder
	for range g.IntN(5) {
		b.WriteString(pick(g, fragments))
	}
	return b.String()
}

// content writes text and elements.
func (g *generator) content(b *strings.Builder, depth int) {
	for range g.IntN(4) {
		if depth == 0 || g.IntN(3) == 0 {
			b.WriteString(g.text())
			continue
		}
		g.push()
		var inside strings.Builder
		g.declare(&inside, 0.25)
		name := pick(g, locals)
		if prefix := g.bound(); prefix != "" {
			name = prefix + ":" + name
		}
		b.WriteString("<" + name + inside.String())
		g.attributes(b, map[string]bool{})
		if g.IntN(4) == 0 {
			b.WriteString(pick(g, []string{"/>", "\n/>"}))
		} else {
			b.WriteString(">")
			g.content(b, depth-1)
			b.WriteString("</" + name + ">")
		}
		g.pop()
	}
}
