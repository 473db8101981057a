// Package guide has what an administrator does at each identity provider, as data.
//
// One file for each identity provider has the steps of its guides, in the words of its own screens,
// and the screens at which a setting is found. The set-up portal shows the steps, and the
// explanation of a refused login names the screen. A file says when its screens were last compared
// with the vendor's documents.
package guide

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Provider is an identity provider.
type Provider struct {
	Slug    string `yaml:"-"` // of the file's name
	Name    string
	Checked string // the day on which the screens were compared
	// Directory is the type of its directory here; empty where it cannot provision.
	Directory string
	// Cannot is what it cannot do, in a sentence; often empty.
	Cannot string
	// SignOn are its guides for sign-on, the proposed one first.
	SignOn []SignOn `yaml:"sign_on"`
	// Provisioning is its guide for provisioning over SCIM; nil where there is none.
	Provisioning *Provisioning
	// Shows are messages that stop a person at the identity provider and never come back here.
	Shows []Shown
	// Screens are where a setting is found, by the type of the connection.
	Screens map[string]Place
}

// SignOn is a guide for sign-on over one protocol.
type SignOn struct {
	Protocol   string // SAML or OpenID Connect
	Connection string // the type of the connection
	Why        string // why this protocol is proposed, or what speaks for the other one
	Steps      []Step
	// Ask is where the values are that the administrator enters here.
	Ask   string
	Traps []string
}

// Provisioning is a guide for provisioning over SCIM.
type Provisioning struct {
	Needs   string // a plan or an edition that it needs; often empty
	Steps   []Step
	Traps   []string
	Waiting string // how long a change takes, and how to have it at once
	Leaving string // how to see that leaving works
}

// Step is one instruction. Copy are the values of ours that are entered in it, and Table are values
// of the identity provider's own.
type Step struct {
	Do    string
	Copy  []Copy
	Table []Row
}

// Copy is a value of ours with what the identity provider's screen calls it.
type Copy struct {
	Label string
	Value Value
}

// Value names a value of ours.
type Value string

// The values of ours that an identity provider asks for.
const (
	ACSURL        Value = "acs_url"
	EntityID      Value = "sp_entity_id"
	MetadataURL   Value = "sp_metadata_url"
	LoginURL      Value = "login_url"
	LogoutURL     Value = "slo_url"
	ACSPattern    Value = "acs_pattern" // the ACS URL as a regular expression
	RedirectURI   Value = "redirect_uri"
	SignedOutURI  Value = "post_logout_redirect_uri"
	InitiateLogin Value = "initiate_login_uri"
	SCIMBaseURL   Value = "scim_base_url"
	SCIMTokenURL  Value = "scim_token_url"
)

// Row is what is entered beside a name.
type Row struct{ Name, Value string }

// Shown is a message of the identity provider, what it means, and where that is mended.
type Shown struct{ Message, Means, Mend string }

// Place is an administration console: where it is, and its screens by what is set there.
type Place struct {
	Base    string
	Screens map[string]string `yaml:",inline"`
}

//go:embed data/*.yaml
var files embed.FS

// order is the order in which the portal shows the providers: those that most customers have first,
// the generic ones last.
var order = []string{"okta", "entra", "google", "onelogin", "jumpcloud", "pingone", "pingfederate", "adfs", "keycloak",
	"auth0", "rippling", "cyberark", "duo", "shibboleth", "simplesamlphp", "saml", "openid"}

// Providers are all identity providers that have a guide, in the order in which they are shown.
var Providers = mustRead()

// mustRead reads the files, which are part of the program.
func mustRead() []Provider {
	all, err := read(files)
	if err != nil {
		panic(err)
	}
	return all
}

func read(from fs.FS) ([]Provider, error) {
	var all []Provider
	for _, slug := range order {
		text, err := fs.ReadFile(from, "data/"+slug+".yaml")
		if err != nil {
			return nil, fmt.Errorf("read guide: %w", err)
		}
		p := Provider{Slug: slug}
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&p); err != nil {
			return nil, fmt.Errorf("read guide %s: %w", slug, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// Of returns the provider with a slug; nil for one that there is not.
func Of(slug string) *Provider {
	i := slices.IndexFunc(Providers, func(p Provider) bool { return p.Slug == slug })
	if i < 0 {
		return nil
	}
	return &Providers[i]
}

// For returns the provider and the guide for a type of connection. A type of which there is no
// guide gets the generic one of its protocol, and so do the generic types: several providers are
// connected by those.
func For(connectionType string) (*Provider, *SignOn) {
	generic := Of("saml")
	if strings.HasSuffix(connectionType, "OIDC") {
		generic = Of("openid")
	}
	for i := range Providers {
		for j := range Providers[i].SignOn {
			s := &Providers[i].SignOn[j]
			if s.Connection == connectionType && !strings.HasPrefix(connectionType, "Generic") {
				return &Providers[i], s
			}
		}
	}
	return generic, &generic.SignOn[0]
}

// On returns the provider's guide over a protocol; nil where it has none.
func (p *Provider) On(protocol string) *SignOn {
	i := slices.IndexFunc(p.SignOn, func(s SignOn) bool { return s.Protocol == protocol })
	if i < 0 {
		return nil
	}
	return &p.SignOn[i]
}

// Initials are one or two letters that stand for the provider on its tile.
func (p *Provider) Initials() string {
	letters := ""
	for word := range strings.FieldsSeq(strings.TrimPrefix(p.Name, "Other, over ")) {
		if letters += word[:1]; len(letters) == 2 {
			break
		}
	}
	return strings.ToUpper(letters)
}
