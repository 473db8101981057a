package filter

import "testing"

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, filter string }{
		{"userName", `userName eq "bjensen@example.com"`},
		{"urn and value path", enterprise + `:department eq "eng" and emails[type eq "work" and value co "@x"]`},
		{"the deepest", nested(MaxDepth)},
		{"the most terms", joined(MaxTerms)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.filter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParsePath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePath(`emails[type eq "work"].value`); err != nil {
			b.Fatal(err)
		}
	}
}
