//go:build interop

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInteropWalkNode runs the application of the page for developers with the SDK that make
// interop installs. A user signs in, is unassigned, and sees the reason.
func TestInteropWalkNode(t *testing.T) {
	const title = "A whole application in Node"
	r := newReader(t)
	modules, err := filepath.Abs(filepath.Join("..", "..", ".cache", "sdk-node", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(r.folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(freeAddress(t), ":")
	moved := func(text string) string { return strings.ReplaceAll(text, "localhost:3000", "localhost:"+port) }
	program := codeUnder(t, applicationPage, title, "js")[0]
	if n := strings.Count(program, "\n"); n > 50 {
		t.Errorf("the application has %d lines: it is no first step any more", n)
	}
	if err := os.WriteFile(filepath.Join(r.folder, "app.mjs"), []byte(moved(program)), 0o600); err != nil {
		t.Fatal(err)
	}
	signIn := r.signPeopleIn(t)
	for i, block := range signIn.blocks {
		signIn.blocks[i] = moved(block)
	}
	commands := commandsUnder(t, applicationPage, title)
	install, start, ok := strings.Cut(commands[1], "\n")
	if !ok || !strings.HasPrefix(install, "npm install ") || !strings.HasSuffix(start, "node app.mjs\n") {
		t.Fatalf("the second block does not install the SDK and start the application:\n%s", commands[1])
	}
	start = strings.TrimSuffix(start, "node app.mjs\n") +
		"ROLLCALL_URL=http://127.0.0.1:8080 node app.mjs & APP=$!; trap 'kill $APP' EXIT\n"
	visit := moved(`
		for i in $(seq 100); do
			curl -sS -o page.html http://localhost:3000/nothing 2>page.html && break; sleep 0.1
		done
		rm -f cookies
		curl -sS -L -b cookies -c cookies "$(sign_in http://localhost:3000/login)"
		scim /Users/$GRACE -X PATCH -d '{
			"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
			"Operations": [{"op": "replace", "path": "active", "value": false}]}' > page.html
		curl -sS -b cookies http://localhost:3000/`)
	out := r.types(t, r.firstSteps(t), signIn, chapter{title, []string{commands[0], start, visit}})[title]
	for _, want := range []string{"Hello Grace, member in Staff\n", "Your access has ended: deprovisioned\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the application does not say %q:\n%s", want, out)
		}
	}
}
