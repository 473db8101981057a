package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notOurs is what a page's Content-Security-Policy forbids, and what would ask another host.
var notOurs = map[string]*regexp.Regexp{
	"an inline script":         regexp.MustCompile(`(?i)<script(?:\s*>|\s(?:[^>s]|s[^r])*>)`),
	"a style element":          regexp.MustCompile(`(?i)<style\b`),
	"a style attribute":        regexp.MustCompile(`(?i)\sstyle\s*=`),
	"a handler of an event":    regexp.MustCompile(`(?i)\son[a-z]+\s*=`),
	"an address of a script":   regexp.MustCompile(`(?i)javascript:`),
	"another host's resource":  regexp.MustCompile(`(?i)(?:src|srcset|data|poster)\s*=\s*"(?:https?:)?//`),
	"another host's style":     regexp.MustCompile(`(?i)<link[^>]*href\s*=\s*"(?:https?:)?//`),
	"a script that is no file": regexp.MustCompile(`(?i)<script[^>]*src\s*=\s*"(?:[^{]|\{[^{])`),
	"an image in its address":  regexp.MustCompile(`(?i)(?:src|href)\s*=\s*"data:`),
}

// TestPagesKeepTheirPolicy reads every template of the pages: no code and no style within the page,
// and nothing from another host.
func TestPagesKeepTheirPolicy(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "*", "templates", "*.html"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file, "testidp") {
			continue // another server, with pages and a policy of its own
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, pattern := range notOurs {
			if found := pattern.Find(text); found != nil {
				t.Errorf("%s has %s: %s", file, what, found)
			}
		}
	}
	styles, err := filepath.Glob(filepath.Join("..", "..", "*", "assets", "*.css"))
	if err != nil || len(styles) < 2 {
		t.Fatalf("%d styles, %v", len(styles), err)
	}
	for _, file := range styles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		outside := regexp.MustCompile(`(?i)@import|url\(\s*["']?(?:https?:)?//`)
		if found := outside.Find(text); found != nil && !strings.Contains(file, "testidp") {
			t.Errorf("%s asks another host: %s", file, found)
		}
	}
}

// TestPolicyIsSeenBroken shows each pattern what it must find, and what it must not.
func TestPolicyIsSeenBroken(t *testing.T) {
	t.Parallel()
	for broken, what := range map[string]string{
		`<script>alert(1)</script>`:                "an inline script",
		`<script defer>alert(1)</script>`:          "an inline script",
		`<STYLE>`:                                  "a style element",
		`<p style="color:red">`:                    "a style attribute",
		`<button onclick="go()">`:                  "a handler of an event",
		`<a href="javascript:go()">`:               "an address of a script",
		`<img src="//cdn.example/a.png">`:          "another host's resource",
		`<link rel="stylesheet" href="https://c">`: "another host's style",
		`<script src="/x.js">`:                     "a script that is no file",
		`<img src="data:image/png;base64,">`:       "an image in its address",
	} {
		if !notOurs[what].MatchString(broken) {
			t.Errorf("%s is not seen in %s", what, broken)
		}
	}
	fine := `<script src="{{asset "rollcall.js"}}" defer></script><a href="https://x.example">x</a>` +
		`<img src="{{asset "a.svg"}}">`
	for what, pattern := range notOurs {
		if pattern.MatchString(fine) {
			t.Errorf("%s is seen where there is none", what)
		}
	}
}
