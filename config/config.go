// Package config declares every setting once and loads, checks and documents it.
//
// A setting is an entry of the table settings, which has the name of its environment variable, its
// default, its meaning and the field of Config that it fills. The table in docs/operate.md and the
// file deploy/env.example are written from it. What an operator changes while the server runs is
// kept in the database and is no setting.
package config

import (
	"net/netip"
	"net/url"
)

// Config has the value of every setting. Load fills it completely or not at all.
type Config struct {
	Listen         string           // ROLLCALL_LISTEN
	PublicURL      *url.URL         // ROLLCALL_PUBLIC_URL
	Database       Secret           // ROLLCALL_DATABASE_URL
	SecretKeys     Keys             // ROLLCALL_SECRET_KEY
	APIKey         Secret           // ROLLCALL_API_KEY; one, or several with commas between them
	SCIMRate       int              // ROLLCALL_SCIM_RATE
	TrustedProxies []netip.Prefix   // ROLLCALL_TRUSTED_PROXIES
	OutboundAllow  Reach            // ROLLCALL_OUTBOUND_ALLOW
	DNSServers     []netip.AddrPort // ROLLCALL_DNS_SERVERS

	// Warnings are what is allowed and risky, each with the name of the setting and what to write
	// instead. Whoever loads the settings tells them at start.
	Warnings []string
}

// setting declares one setting.
type setting struct {
	name     string              // of the environment variable
	fallback string              // the value when none is given
	unset    string              // what happens without a value, where there is no fallback
	doc      string              // the meaning
	field    func(c *Config) any // a pointer to the field that the setting fills
}

// settings are all settings, in the order of the documentation.
var settings = []setting{
	{
		name:     "ROLLCALL_LISTEN",
		fallback: "127.0.0.1:8080",
		doc:      "The address to listen on, as host:port.",
		field:    func(c *Config) any { return &c.Listen },
	},
	{
		name:     "ROLLCALL_PUBLIC_URL",
		fallback: "http://127.0.0.1:8080",
		doc: "What browsers and identity providers use. It must be https outside loopback. When only " +
			"ROLLCALL_LISTEN is set, to a loopback address, this follows it; it must be set when that is any " +
			"other address.",
		field: func(c *Config) any { return &c.PublicURL },
	},
	{
		name:     "ROLLCALL_DATABASE_URL",
		fallback: "sqlite:data/rollcall.db",
		doc: "The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME?sslmode=verify-full. " +
			"sslmode must be written when a host is another machine; HOST may be a list with commas.",
		field: func(c *Config) any { return &c.Database },
	},
	{
		name:  "ROLLCALL_SECRET_KEY",
		unset: "generated beside a SQLite file; required on PostgreSQL",
		doc: "32 bytes in base64 that seal private keys and client secrets in the database. " +
			"A comma-separated list rotates: the first seals, all of them open.",
		field: func(c *Config) any { return &c.SecretKeys },
	},
	{
		name: "ROLLCALL_API_KEY",
		doc: "An operator's API key for automation: sk_ and more, at least 32 characters. " +
			"It reaches every organization and is never stored. Several, separated by commas, are all good: " +
			"so a key is replaced without a pause.",
		field: func(c *Config) any { return &c.APIKey },
	},
	{
		name:     "ROLLCALL_SCIM_RATE",
		fallback: "1000",
		doc: "SCIM requests a second for each directory on each replica, in bursts of twice that; " +
			"0 is no limit.",
		field: func(c *Config) any { return &c.SCIMRate },
	},
	{
		name:  "ROLLCALL_TRUSTED_PROXIES",
		doc:   "Comma-separated CIDRs of the proxies whose X-Forwarded-For is believed.",
		field: func(c *Config) any { return &c.TrustedProxies },
	},
	{
		name: "ROLLCALL_OUTBOUND_ALLOW",
		doc: "Comma-separated CIDRs inside which metadata, discovery and webhooks may be fetched " +
			"although the address is private, and over http. An entry `host:port` lets webhooks go to a " +
			"port other than 443 and 8443.",
		field: func(c *Config) any { return &c.OutboundAllow },
	},
	{
		name:  "ROLLCALL_DNS_SERVERS",
		unset: "those of the system",
		doc: "Comma-separated DNS servers that prove domains, as address or address:port. " +
			"All of them must agree.",
		field: func(c *Config) any { return &c.DNSServers },
	},
}
