// Package config declares every setting once and loads, checks and documents it.
//
// A setting is a field of Config: its tags carry the name of the environment variable, the default
// and the meaning, and the table in docs/operate.md and deploy/env.example are written from them. What an
// operator changes while the server runs is kept in the database and is no setting.
package config

import (
	"net/netip"
	"net/url"
	"reflect"
)

// Config is everything the server is told at start. Load fills it completely or not at all.
//
// The tag env names the variable, default is the value without one, unset says what happens
// without one where that is no value, and doc is the meaning.
type Config struct {
	Listen         string           `env:"ROLLCALL_LISTEN" default:"127.0.0.1:8080" doc:"The address to listen on, as host:port."`
	PublicURL      *url.URL         `env:"ROLLCALL_PUBLIC_URL" default:"http://127.0.0.1:8080" doc:"What browsers and identity providers use. It must be https outside loopback. When only ROLLCALL_LISTEN is set, to a loopback address, this follows it."`
	Database       Secret           `env:"ROLLCALL_DATABASE_URL" default:"sqlite:data/rollcall.db" doc:"The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME."`
	SecretKeys     Keys             `env:"ROLLCALL_SECRET_KEY" unset:"generated beside a SQLite file; required on PostgreSQL" doc:"32 bytes in base64 that seal private keys and client secrets in the database. A comma-separated list rotates: the first seals, all of them open."`
	APIKey         Secret           `env:"ROLLCALL_API_KEY" doc:"An operator's API key for automation: sk_ and more, at least 32 characters. It reaches every organization and is never stored."`
	SCIMRate       int              `env:"ROLLCALL_SCIM_RATE" default:"1000" doc:"SCIM requests a second for each directory on each replica, in bursts of twice that; 0 is no limit."`
	TrustedProxies []netip.Prefix   `env:"ROLLCALL_TRUSTED_PROXIES" doc:"Comma-separated CIDRs of the proxies whose X-Forwarded-For is believed."`
	OutboundAllow  []netip.Prefix   `env:"ROLLCALL_OUTBOUND_ALLOW" doc:"Comma-separated CIDRs inside which metadata, discovery and webhooks may be fetched although the address is private, and over http."`
	DNSServers     []netip.AddrPort `env:"ROLLCALL_DNS_SERVERS" unset:"those of the system" doc:"Comma-separated DNS servers that prove domains, as address or address:port. All of them must agree."`
}

// setting is one field of Config as its tags declare it.
type setting struct {
	name, fallback, unset, doc string
	index                      int
}

// settings are the fields of Config in the order of their declaration.
var settings = declared()

func declared() []setting {
	t := reflect.TypeFor[Config]()
	all := make([]setting, t.NumField())
	for i := range all {
		tag := t.Field(i).Tag
		all[i] = setting{
			name:     tag.Get("env"),
			fallback: tag.Get("default"),
			unset:    tag.Get("unset"),
			doc:      tag.Get("doc"),
			index:    i,
		}
	}
	return all
}

// field is the place in c that the setting fills, as a pointer.
func (s setting) field(c *Config) any {
	return reflect.ValueOf(c).Elem().Field(s.index).Addr().Interface()
}
