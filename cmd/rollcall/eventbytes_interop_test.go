//go:build interop

package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"rollcall/web"
)

// TestInteropEventBytes compares 20,000 random documents with what Node makes of them.
func TestInteropEventBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var documents []string
	for range 20_000 {
		var b strings.Builder
		randomJSON(random, &b, 4)
		documents = append(documents, b.String())
	}
	node := exec.CommandContext(t.Context(), "node", "-e", `
		const lines = require("fs").readFileSync(0, "utf8").trimEnd().split("\n");
		process.stdout.write(lines.map((x) => JSON.stringify(JSON.parse(x))).join("\n"));`)
	node.Stdin = strings.NewReader(strings.Join(documents, "\n") + "\n")
	var problems bytes.Buffer
	node.Stderr = &problems
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	answers := strings.Split(string(out), "\n")
	if len(answers) != len(documents) {
		t.Fatalf("%d answers to %d documents", len(answers), len(documents))
	}
	for i, want := range answers {
		if got := string(web.Stringified([]byte(documents[i]))); got != want {
			t.Fatalf("%s\ngot  %s\nwant %s", documents[i], got, want)
		}
	}
}

// randomJSON writes a document with all that may differ between writers of JSON.
func randomJSON(r *rand.Rand, b *strings.Builder, depth int) {
	space := func() { b.WriteString([]string{"", "", "", " ", "\t"}[r.IntN(5)]) }
	space()
	defer space()
	kind := r.IntN(8)
	if depth == 0 {
		kind = r.IntN(4)
	}
	switch kind {
	case 0, 1:
		b.WriteString(randomNumber(r))
	case 2:
		randomString(r, b)
	case 3:
		b.WriteString([]string{"true", "false", "null"}[r.IntN(3)])
	case 4:
		b.WriteString("[")
		for i := range r.IntN(4) {
			if i > 0 {
				b.WriteString(",")
			}
			randomJSON(r, b, depth-1)
		}
		b.WriteString("]")
	default:
		b.WriteString("{")
		for i := range r.IntN(7) {
			if i > 0 {
				b.WriteString(",")
			}
			randomName(r, b)
			space()
			b.WriteString(":")
			randomJSON(r, b, depth-1)
		}
		b.WriteString("}")
	}
}

func randomName(r *rand.Rand, b *strings.Builder) {
	switch r.IntN(4) {
	case 0:
		fmt.Fprintf(b, `"%d"`, r.IntN(12))
	case 1:
		b.WriteString([]string{`"4294967294"`, `"4294967295"`, `"4294967296"`, `"9007199254740991"`, `"-1"`,
			`"01"`, `"1.0"`, `"1e1"`, `"__proto__"`, `"\u0031"`, `"toJSON"`, `""`, `"constructor"`}[r.IntN(13)])
	case 2:
		fmt.Fprintf(b, `"%c"`, 'a'+rune(r.IntN(3)))
	default:
		randomString(r, b)
	}
}

func randomString(r *rand.Rand, b *strings.Builder) {
	b.WriteString(`"`)
	for range r.IntN(6) {
		switch r.IntN(5) {
		case 0:
			fmt.Fprintf(b, `\u%04x`, r.IntN(0x10000))
		case 1:
			fmt.Fprintf(b, `\u%04X`, 0xD700+r.IntN(0x900))
		case 2:
			b.WriteString([]string{`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`}[r.IntN(8)])
		case 3:
			b.WriteString([]string{"é", "\u2028", "\u2029", "\U0001F600", "<", ">", "&", "\x7f", "'",
				"\ufeff"}[r.IntN(10)])
		default:
			b.WriteString(string('a' + rune(r.IntN(26))))
		}
	}
	b.WriteString(`"`)
}

func randomNumber(r *rand.Rand) string {
	digits := strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
	switch r.IntN(5) {
	case 0:
		n := math.Float64frombits(r.Uint64())
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return "0"
		}
		return strconv.FormatFloat(n, 'e', r.IntN(22), 64)
	case 1:
		return "-" + digits + fmt.Sprintf("e%d", r.IntN(60)-30)
	case 2:
		return digits + "." + fmt.Sprint(r.IntN(1000)) + fmt.Sprintf("E+%d", r.IntN(400))
	case 3:
		return "-0." + strings.Repeat("0", r.IntN(12)) + digits
	}
	return digits
}
