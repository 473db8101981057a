package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// check applies the rules that do not follow from the type of a field, and the rules between
// fields. It reports no second problem for a setting.
func (l *loader) check(c *Config) {
	l.rule("ROLLCALL_LISTEN", listenProblem(c.Listen))
	if !l.failed["ROLLCALL_PUBLIC_URL"] && !l.failed["ROLLCALL_LISTEN"] {
		l.derivePublicURL(c)
	}
	if !l.failed["ROLLCALL_PUBLIC_URL"] {
		l.rule("ROLLCALL_PUBLIC_URL", publicURLProblem(c.PublicURL))
		normalize(c.PublicURL)
	}
	l.checkDatabase(c)
	if !l.failed["ROLLCALL_DATABASE_URL"] && isPostgres(string(c.Database)) && len(c.SecretKeys) == 0 {
		l.rule("ROLLCALL_SECRET_KEY", "is required with PostgreSQL, where every replica must have "+
			"the same; write what this prints: openssl rand -base64 32")
	}
	l.rule("ROLLCALL_API_KEY", apiKeysProblem(string(c.APIKey)))
}

// checkDatabase checks the URL of the database.
func (l *loader) checkDatabase(c *Config) {
	const name = "ROLLCALL_DATABASE_URL"
	l.rule(name, databaseProblem(string(c.Database)))
	if l.failed[name] || !isPostgres(string(c.Database)) {
		return
	}
	problem, warning := transport(string(c.Database), l.environ)
	l.rule(name, problem)
	if warning != "" {
		c.Warnings = append(c.Warnings, name+": "+warning)
	}
}

// rule reports a problem unless its text is empty or the setting has one already.
func (l *loader) rule(name, text string) {
	if text != "" && !l.failed[name] {
		l.report(name, "", text)
	}
}

func listenProblem(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return strconv.Quote(address) + " is no address; write host:port, like 127.0.0.1:8080 or :8080"
	}
	return ""
}

// derivePublicURL makes the public URL from the address to listen on, when only the address is set.
// It needs a port: for port 0 the system chooses one when it listens. Where other machines are
// listened to, the URL by which they come is not known.
func (l *loader) derivePublicURL(c *Config) {
	if l.given["ROLLCALL_PUBLIC_URL"] || !l.given["ROLLCALL_LISTEN"] {
		return
	}
	host, port, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
	case !isLoopback(host):
		l.rule("ROLLCALL_PUBLIC_URL", "is not set, and ROLLCALL_LISTEN is an address for other machines; write what "+
			"browsers and identity providers use, like https://rollcall.example.com with your own host")
	case port != "0":
		c.PublicURL = &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	}
}

// hostAndPort is a name or address in ASCII, since that is how browsers write an Origin.
var hostAndPort = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

func publicURLProblem(u *url.URL) string {
	switch {
	case u.User != nil:
		return "has a user in it; write it without"
	case u.Scheme != "http" && u.Scheme != "https" || !hostAndPort.MatchString(u.Host):
		return "is not a web address; write https://rollcall.example.com with your own host"
	case u.Path != "" && u.Path != "/":
		return "has a path; write scheme and host only, for Rollcall needs a host of its own"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a query or a fragment; write scheme and host only"
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "is http, which lets everybody on the way read tokens; write https://" + u.Host
	}
	return ""
}

// normalize leaves one spelling of a public URL, the one that browsers send as Origin: lower case,
// no slash at the end, no port where it is the scheme's own.
func normalize(u *url.URL) {
	u.Path, u.RawPath = "", ""
	u.Host = strings.ToLower(u.Host)
	if p := u.Port(); u.Scheme == "http" && p == "80" || u.Scheme == "https" && p == "443" {
		u.Host = strings.TrimSuffix(u.Host, ":"+p)
	}
}

// isLoopback reports whether host is this machine and is reached from this machine only.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// bearerToken is what may follow "Bearer " in a header (RFC 6750 §2.1).
var bearerToken = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// apiKeysProblem checks each key of a list.
func apiKeysProblem(list string) string {
	if list == "" {
		return ""
	}
	keys := strings.Split(list, ",")
	for i, key := range keys {
		problem := apiKeyProblem(strings.TrimSpace(key))
		if problem != "" && len(keys) > 1 {
			return "key " + strconv.Itoa(i+1) + " " + problem
		}
		if problem != "" {
			return problem
		}
	}
	return ""
}

func apiKeyProblem(key string) string {
	const instead = `; write what this prints: echo "sk_$(openssl rand -hex 24)"`
	switch {
	case key == "":
		return "is empty; take out a comma"
	case !strings.HasPrefix(key, "sk_"):
		return "does not begin with sk_" + instead
	case len(key) < 32:
		return "is shorter than 32 characters" + instead
	case !bearerToken.MatchString(key):
		return "has characters that an Authorization header cannot carry" + instead
	}
	return ""
}
