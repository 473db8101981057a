package config

import (
	"net/url"
	"slices"
	"strings"
)

// databaseProblem never repeats the URL: it may carry a password.
func databaseProblem(text string) string {
	path, sqlite := strings.CutPrefix(text, "sqlite:")
	switch {
	case sqlite && path == "":
		return "names no file; write sqlite:data/rollcall.db with your own path"
	case sqlite && strings.HasPrefix(path, "//"):
		return "has slashes before the path; write sqlite:PATH, like sqlite:/var/lib/rollcall/rollcall.db"
	case sqlite:
		return ""
	case !isPostgres(text):
		return "is no database known here; write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
	}
	if _, err := url.Parse(text); err != nil || ambiguousUser(text) {
		return "is not a URL; write postgres://USER:PASSWORD@HOST/NAME " +
			"with the special characters of the password percent-encoded"
	}
	return ""
}

func isPostgres(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// ambiguousUser tells whether the driver may read another host in a URL than package net/url does:
// for the driver the user ends at the first @ before the path, a query or not.
func ambiguousUser(text string) bool {
	_, rest, _ := strings.Cut(text, "://")
	rest, _, _ = strings.Cut(rest, "/")
	last := strings.LastIndexByte(rest, '@')
	return last >= 0 && strings.ContainsAny(rest[:last], "@?#")
}

// The values of sslmode.
var (
	// unencrypted are those with which the connection may be without TLS.
	unencrypted = []string{"disable", "allow", "prefer"}
	encrypted   = []string{"require", "verify-ca", "verify-full"}
)

// transport judges by which sslmode a PostgreSQL server on another machine is reached. The driver's
// default is prefer: a server that has no TLS, or whoever pretends to be the server, is sent the
// password.
func transport(text string, environ map[string]string) (problem, warning string) {
	u, err := url.Parse(text)
	if err != nil || !beyond(u, environ) {
		return "", ""
	}
	modes := u.Query()["sslmode"]
	for _, mode := range modes {
		switch {
		case slices.Contains(unencrypted, mode):
			warning = "sslmode=" + mode + " lets whoever is on the way to the database read its password and all " +
				"rows, and change them; write sslmode=verify-full"
		case !slices.Contains(encrypted, mode):
			return "has an unknown sslmode; write sslmode=verify-full, or another one of " +
				strings.Join(slices.Concat(encrypted, unencrypted), ", "), ""
		}
	}
	if len(modes) == 0 {
		return "does not say how the connection to another machine is protected, and without that it may be " +
			"without TLS; write ?sslmode=verify-full behind the name of the database", ""
	}
	return "", warning
}

// beyond tells whether a database may be on another machine: a host of the list is neither loopback
// nor the folder of a socket. What the URL leaves open, the driver takes from the environment or
// from a service file, which can name any host.
func beyond(u *url.URL, environ map[string]string) bool {
	query := u.Query()
	if query.Has("service") || query.Has("servicefile") || environ["PGSERVICE"] != "" {
		return true
	}
	lists := append([]string{u.Host}, query["host"]...)
	if strings.Join(lists, "") == "" {
		lists = []string{environ["PGHOST"]}
	}
	for _, list := range lists {
		for host := range strings.SplitSeq(list, ",") {
			host = (&url.URL{Host: host}).Hostname()
			if host != "" && !strings.HasPrefix(host, "/") && !isLoopback(host) {
				return true
			}
		}
	}
	return false
}
