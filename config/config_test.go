package config

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	apiKey = "sk_0123456789abcdef0123456789abcdef"
	dbURL  = "postgres://rollcall:hunter2secret@db/rollcall?sslmode=verify-full"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// write puts text into a file of its own and returns the path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reveal makes secrets comparable: Config prints them all alike.
var reveal = cmp.Options{
	cmp.Transformer("secret", func(s Secret) string { return string(s) }),
	cmp.Transformer("keys", func(k Keys) [][]byte { return k }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestLoad(t *testing.T) {
	defaults := func(change func(*Config)) Config {
		c := Config{
			SCIMRate:  1000,
			Listen:    "127.0.0.1:8080",
			PublicURL: parsed(t, "http://127.0.0.1:8080"),
			Database:  "sqlite:data/rollcall.db",
		}
		change(&c)
		return c
	}
	std := base64.StdEncoding.EncodeToString
	tests := map[string]struct {
		environ []string
		file    string
		want    Config
	}{
		"nothing given is the defaults": {
			want: defaults(func(*Config) {}),
		},
		"an empty value is no value": {
			environ: []string{"ROLLCALL_LISTEN=", "ROLLCALL_API_KEY= ", "ROLLCALL_DATABASE_URL_FILE="},
			want:    defaults(func(*Config) {}),
		},
		"names of others are left alone": {
			environ: []string{"HOME=/root", "LISTEN=x", "XROLLCALL_LISTEN=y", "=weird"},
			want:    defaults(func(*Config) {}),
		},
		"everything from the environment": {
			environ: []string{
				"ROLLCALL_LISTEN=:9000",
				"ROLLCALL_PUBLIC_URL=https://Rollcall.Example.com:443/",
				"ROLLCALL_DATABASE_URL=" + dbURL,
				"ROLLCALL_SECRET_KEY=" + std(key('a')) + ", " + base64.RawURLEncoding.EncodeToString(key('\xff')),
				"ROLLCALL_API_KEY=" + apiKey,
				"ROLLCALL_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8",
				"ROLLCALL_OUTBOUND_ALLOW=127.0.0.0/8, Hooks.example.com:9443,[2001:db8::1]:99",
				"ROLLCALL_SCIM_RATE=0",
			},
			want: Config{
				Listen:         ":9000",
				PublicURL:      parsed(t, "https://rollcall.example.com"),
				Database:       dbURL,
				SecretKeys:     Keys{key('a'), key('\xff')},
				APIKey:         apiKey,
				TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
				OutboundAllow: Reach{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
					Hosts: []string{"hooks.example.com:9443", "[2001:db8::1]:99"}},
			},
		},
		"a value from a file named by _FILE": {
			environ: []string{"ROLLCALL_API_KEY_FILE=" + write(t, apiKey+"\n")},
			want:    defaults(func(c *Config) { c.APIKey = apiKey }),
		},
		"several API keys": {
			environ: []string{"ROLLCALL_API_KEY=" + apiKey + "," + apiKey + "x"},
			want:    defaults(func(c *Config) { c.APIKey = apiKey + "," + apiKey + "x" }),
		},
		"the configuration file, with remarks, quotes and Windows line ends": {
			file: write(t, "\uFEFF# remark\r\n\r\n ROLLCALL_API_KEY = \""+apiKey+
				"\"\r\nROLLCALL_TRUSTED_PROXIES='10.0.0.0/8'\r\n"),
			want: defaults(func(c *Config) {
				c.APIKey = apiKey
				c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}),
		},
		"the environment wins over the configuration file": {
			environ: []string{"ROLLCALL_LISTEN=127.0.0.1:1"},
			file:    write(t, "ROLLCALL_LISTEN=127.0.0.1:2\nROLLCALL_PUBLIC_URL=http://localhost:3"),
			want: defaults(func(c *Config) {
				c.Listen, c.PublicURL = "127.0.0.1:1", parsed(t, "http://localhost:3")
			}),
		},
		"_FILE in the environment wins over the value in the configuration file": {
			environ: []string{"ROLLCALL_API_KEY_FILE=" + write(t, apiKey)},
			file:    write(t, "ROLLCALL_API_KEY="+apiKey+"other"),
			want:    defaults(func(c *Config) { c.APIKey = apiKey }),
		},
		"_FILE inside the configuration file": {
			file: write(t, "ROLLCALL_API_KEY_FILE="+write(t, apiKey)),
			want: defaults(func(c *Config) { c.APIKey = apiKey }),
		},
		"a SQLite path": {
			environ: []string{"ROLLCALL_DATABASE_URL=sqlite:/var/lib/rollcall/rollcall.db"},
			want:    defaults(func(c *Config) { c.Database = "sqlite:/var/lib/rollcall/rollcall.db" }),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Load(test.environ, test.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, reveal); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	tests := []struct{ environ, want string }{
		{"ROLLCALL_LISTEN=127.0.0.1:9000", "http://127.0.0.1:9000"},
		{"ROLLCALL_LISTEN=localhost:9000", "http://localhost:9000"},
		{"ROLLCALL_LISTEN=[::1]:9000", "http://[::1]:9000"},
		{"ROLLCALL_LISTEN=127.0.0.1:80", "http://127.0.0.1"},
		{"ROLLCALL_LISTEN=127.0.0.1:0", "http://127.0.0.1:8080"},
		{"ROLLCALL_PUBLIC_URL=http://localhost:8080/", "http://localhost:8080"},
		{"ROLLCALL_PUBLIC_URL=http://127.8.8.8", "http://127.8.8.8"},
		{"ROLLCALL_PUBLIC_URL=http://[::1]:80", "http://[::1]"},
		{"ROLLCALL_PUBLIC_URL=https://id.example.com:8443", "https://id.example.com:8443"},
	}
	for _, test := range tests {
		t.Run(test.environ, func(t *testing.T) {
			c, err := Load([]string{test.environ}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := c.PublicURL.String(); got != test.want {
				t.Errorf("public URL %s, want %s", got, test.want)
			}
		})
	}
}

// TestLoadRefuses expects exactly the given lines, so that one mistake is one problem.
func TestLoadRefuses(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	file := func(text string) string { return write(t, text) }
	badLines := file("# fine\nnonsense hunter2secret\nROLLCALL_LISTEN=:1\nROLLCALL_LISTEN=:2\n" +
		"ROLLCALL_API_KEY=\"hunter2secret\nlisten=:1")
	tests := map[string]struct {
		environ []string
		file    string
		want    []string // how each line of the error begins, and the advice it gives
	}{
		"a misspelt name": {
			environ: []string{"ROLLCALL_DATABASE=hunter2secret"},
			want:    []string{"ROLLCALL_DATABASE: is no setting of Rollcall; write ROLLCALL_DATABASE_URL"},
		},
		"a misspelt name of a file": {
			environ: []string{"ROLLCALL_SECRETKEY_FILE=x"},
			want:    []string{"ROLLCALL_SECRETKEY_FILE: is no setting of Rollcall; write ROLLCALL_SECRET_KEY_FILE"},
		},
		"what Kubernetes sets for a Service of this name": {
			environ: []string{"ROLLCALL_PORT_8080_TCP_ADDR=10.1.2.3", "ROLLCALL_SERVICE_HOST=10.1.2.3"},
			want: []string{
				"ROLLCALL_PORT_8080_TCP_ADDR: is no setting of Rollcall; Kubernetes sets it for a Service named " +
					"rollcall: write enableServiceLinks: false",
				"ROLLCALL_SERVICE_HOST: is no setting of Rollcall; Kubernetes sets it for a Service named rollcall: " +
					"write enableServiceLinks: false",
			},
		},
		"a value and its file at once": {
			environ: []string{"ROLLCALL_API_KEY=" + apiKey, "ROLLCALL_API_KEY_FILE=/dev/null"},
			want: []string{
				"ROLLCALL_API_KEY: is given both as ROLLCALL_API_KEY and as ROLLCALL_API_KEY_FILE; write only one"},
		},
		"a file that is not there": {
			environ: []string{"ROLLCALL_API_KEY_FILE=" + absent},
			want: []string{"ROLLCALL_API_KEY_FILE: the file \"" + absent +
				"\" cannot be opened (no such file or directory); write the path"},
		},
		"a file that is a folder": {
			environ: []string{"ROLLCALL_API_KEY_FILE=/"},
			want:    []string{"ROLLCALL_API_KEY_FILE: the file \"/\" cannot be read; write the path"},
		},
		"a file that is empty": {
			environ: []string{"ROLLCALL_API_KEY_FILE=/dev/null"},
			want:    []string{"ROLLCALL_API_KEY_FILE: the file \"/dev/null\" is empty; write the value into it"},
		},
		"a file without an end": {
			environ: []string{"ROLLCALL_API_KEY_FILE=/dev/zero"},
			want:    []string{"ROLLCALL_API_KEY_FILE: the file \"/dev/zero\" is larger than 1 MiB; write"},
		},
		"a configuration file that is not there": {
			file: absent,
			want: []string{"--config: the file \"" + absent + "\" cannot be opened (no such file or directory); write"},
		},
		"lines of the configuration file": {
			file: badLines,
			want: []string{
				"--config (" + badLines + ", line 2): is no setting; write NAME=VALUE",
				"ROLLCALL_LISTEN (" + badLines + ", line 4): stands twice in this file; write it once",
				"ROLLCALL_API_KEY (" + badLines +
					", line 5): the value begins with a quote and does not end with it; write",
				"listen (" + badLines + ", line 6): is no setting of Rollcall; write ROLLCALL_LISTEN",
			},
		},
		"an address without a port": {
			environ: []string{"ROLLCALL_LISTEN=127.0.0.1"},
			want:    []string{`ROLLCALL_LISTEN: "127.0.0.1" is no address; write host:port`},
		},
		"an address for other machines alone": {
			environ: []string{"ROLLCALL_LISTEN=0.0.0.0:9000"},
			want: []string{"ROLLCALL_PUBLIC_URL: is not set, and ROLLCALL_LISTEN is an address for other machines; " +
				"write what browsers and identity providers use, like https://"},
		},
		"every address alone": {
			environ: []string{"ROLLCALL_LISTEN=:9000"},
			want:    []string{"ROLLCALL_PUBLIC_URL: is not set"},
		},
		"every IPv6 address alone": {
			environ: []string{"ROLLCALL_LISTEN=[::]:0"},
			want:    []string{"ROLLCALL_PUBLIC_URL: is not set"},
		},
		"the name of a machine alone": {
			environ: []string{"ROLLCALL_LISTEN=id:9000"},
			want:    []string{"ROLLCALL_PUBLIC_URL: is not set"},
		},
		"an address with too high a port": {
			environ: []string{"ROLLCALL_LISTEN=:65536"},
			want:    []string{`ROLLCALL_LISTEN: ":65536" is no address; write host:port`},
		},
		"a secret key of the wrong length": {
			environ: []string{"ROLLCALL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key('a')) +
				",aHVudGVyMnNlY3JldA=="},
			want: []string{"ROLLCALL_SECRET_KEY: key 2 is not 32 bytes in base64; write what this prints: openssl"},
		},
		"a secret key that is not base64": {
			environ: []string{"ROLLCALL_SECRET_KEY=hunter2secret!"},
			want:    []string{"ROLLCALL_SECRET_KEY: key 1 is not 32 bytes in base64; write"},
		},
		"PostgreSQL without a secret key": {
			environ: []string{"ROLLCALL_DATABASE_URL=" + dbURL},
			want: []string{
				"ROLLCALL_SECRET_KEY: is required with PostgreSQL, where every replica must have the same; write"},
		},
		"PostgreSQL with a secret key file that is not there is one problem": {
			environ: []string{"ROLLCALL_DATABASE_URL=" + dbURL, "ROLLCALL_SECRET_KEY_FILE=" + absent},
			want:    []string{"ROLLCALL_SECRET_KEY_FILE: the file \"" + absent + "\" cannot be opened"},
		},
		"one API key of several that is none": {
			environ: []string{"ROLLCALL_API_KEY=" + apiKey + ", hunter2secret"},
			want:    []string{"ROLLCALL_API_KEY: key 2 does not begin with sk_; write"},
		},
		"an API key that is not there": {
			environ: []string{"ROLLCALL_API_KEY=" + apiKey + ","},
			want:    []string{"ROLLCALL_API_KEY: key 2 is empty; take out a comma"},
		},
		"an API key of another kind": {
			environ: []string{"ROLLCALL_API_KEY=pk_hunter2secret0123456789abcdef0123"},
			want:    []string{"ROLLCALL_API_KEY: does not begin with sk_; write"},
		},
		"an API key that is too short": {
			environ: []string{"ROLLCALL_API_KEY=sk_hunter2secret"},
			want:    []string{"ROLLCALL_API_KEY: is shorter than 32 characters; write"},
		},
		"an API key that a header cannot carry": {
			environ: []string{"ROLLCALL_API_KEY=sk_hunter2secret with spaces 0123456789"},
			want:    []string{"ROLLCALL_API_KEY: has characters that an Authorization header cannot carry; write"},
		},
		"a rate that is no number": {
			environ: []string{"ROLLCALL_SCIM_RATE=fast"},
			want:    []string{`ROLLCALL_SCIM_RATE: "fast" is not a whole number from 0 to 1000000`},
		},
		"a rate below nothing": {environ: []string{"ROLLCALL_SCIM_RATE=-1"},
			want: []string{`ROLLCALL_SCIM_RATE: "-1" is not`}},
		"no CIDR": {
			environ: []string{"ROLLCALL_TRUSTED_PROXIES=10.0.0.0/8,proxy"},
			want:    []string{`ROLLCALL_TRUSTED_PROXIES: "proxy" is not a CIDR; write them like 10.0.0.0/8`},
		},
		"an address in place of a CIDR": {
			environ: []string{"ROLLCALL_OUTBOUND_ALLOW=10.1.2.3"},
			want:    []string{"ROLLCALL_OUTBOUND_ALLOW: 10.1.2.3 is a single address; write 10.1.2.3/32"},
		},
		"a CIDR with bits too many": {
			environ: []string{"ROLLCALL_OUTBOUND_ALLOW=10.1.2.3/8"},
			want:    []string{"ROLLCALL_OUTBOUND_ALLOW: 10.1.2.3/8 has bits behind its length; write 10.0.0.0/8"},
		},
		"an IPv4 range written as IPv6": {
			environ: []string{"ROLLCALL_OUTBOUND_ALLOW=::ffff:10.0.0.0/104"},
			want:    []string{"ROLLCALL_OUTBOUND_ALLOW: ::ffff:10.0.0.0/104 is an IPv4 range in IPv6 clothes; write"},
		},
		"all of them at once": {
			environ: []string{
				"ROLLCALL_LISTEN=nowhere", "ROLLCALL_PUBLIC_URL=http://id.example.com",
				"ROLLCALL_DATABASE_URL=mysql://hunter2secret",
				"ROLLCALL_SECRET_KEY=hunter2secret", "ROLLCALL_API_KEY=hunter2secret",
				"ROLLCALL_TRUSTED_PROXIES=x", "ROLLCALL_OTHER=1",
			},
			want: []string{
				"ROLLCALL_OTHER: ", "ROLLCALL_SECRET_KEY: ", "ROLLCALL_TRUSTED_PROXIES: ", "ROLLCALL_LISTEN: ",
				"ROLLCALL_PUBLIC_URL: ", "ROLLCALL_DATABASE_URL: ", "ROLLCALL_API_KEY: ",
			},
		},
	}
	for value, want := range map[string]string{
		"http://id.example.com:8080": "is http, which lets everybody on the way read tokens; write " +
			"https://id.example.com:8080",
		"https://anna:hunter2secret@example.com": "has a user in it; write",
		"https://example.com/rollcall":           "has a path; write",
		"https://example.com?x=hunter2secret":    "has a query or a fragment; write",
		"https://example.com?":                   "has a query or a fragment; write",
		"https://example.com#top":                "has a query or a fragment; write",
		"ftp://example.com":                      "is not a web address; write https://",
		"example.com":                            "is not a web address; write https://",
		"https://":                               "is not a web address; write https://",
		"https://example.com:":                   "is not a web address; write https://",
		"https://bücher.example":                 "is not a web address; write https://",
		"https://exa mple.com/hunter2secret":     "is not a URL; write https://",
	} {
		tests["the public URL "+value] = struct {
			environ []string
			file    string
			want    []string
		}{environ: []string{"ROLLCALL_PUBLIC_URL=" + value}, want: []string{"ROLLCALL_PUBLIC_URL: " + want}}
	}
	for value, want := range map[string]string{
		"sqlite:":                        "names no file; write sqlite:",
		"sqlite:///data/rollcall.db":     "has slashes before the path; write sqlite:PATH",
		"mysql://u:hunter2secret@db":     "is no database known here; write",
		"postgres://u:hunter2secret%@db": "is not a URL; write postgres://",
	} {
		tests["the database URL "+value] = struct {
			environ []string
			file    string
			want    []string
		}{environ: []string{"ROLLCALL_DATABASE_URL=" + value}, want: []string{"ROLLCALL_DATABASE_URL: " + want}}
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := Load(test.environ, test.file)
			if err == nil {
				t.Fatalf("loaded %+v", c)
			}
			if diff := cmp.Diff(Config{}, c); diff != "" {
				t.Errorf("a refused configuration is not empty: %s", diff)
			}
			got := strings.Split(err.Error(), "\n")
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("problems:\n%s\nwant lines that begin:\n%s", err, strings.Join(test.want, "\n"))
			}
			if strings.Contains(err.Error(), "hunter2secret") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}
