package api

import "rollcall/model/organization"

// clientObject is the public form of an application's settings at the OpenID provider.
type clientObject struct {
	RequirePKCE      bool   `json:"require_pkce"`
	Public           bool   `json:"public"`
	Native           bool   `json:"native"`
	IDTokenAlgorithm string `json:"id_token_signed_response_alg"`
	IDTokenClaims    string `json:"id_token_claims"`
	RefreshTokens    string `json:"refresh_tokens"`
	RefreshLeeway    int64  `json:"refresh_token_leeway_seconds"`
}

func clientForm(c *organization.Client) clientObject {
	return clientObject{RequirePKCE: c.RequirePKCE, Public: c.Public, Native: c.Native,
		IDTokenAlgorithm: c.IDTokenAlgorithm, IDTokenClaims: c.IDTokenClaims, RefreshTokens: c.RefreshTokens,
		RefreshLeeway: c.RefreshLeewaySeconds}
}

// clientBody is what POST and PATCH take of them.
type clientBody struct {
	RequirePKCE      *bool   `json:"require_pkce"`
	Public           *bool   `json:"public"`
	Native           *bool   `json:"native"`
	IDTokenAlgorithm *string `json:"id_token_signed_response_alg"`
	IDTokenClaims    *string `json:"id_token_claims"`
	RefreshTokens    *string `json:"refresh_tokens"`
	RefreshLeeway    *int64  `json:"refresh_token_leeway_seconds"`
}

// apply changes the members that were sent.
func (b *clientBody) apply(c *organization.Client) {
	set(&c.RequirePKCE, b.RequirePKCE)
	set(&c.Public, b.Public)
	set(&c.Native, b.Native)
	set(&c.IDTokenAlgorithm, b.IDTokenAlgorithm)
	set(&c.IDTokenClaims, b.IDTokenClaims)
	set(&c.RefreshTokens, b.RefreshTokens)
	set(&c.RefreshLeewaySeconds, b.RefreshLeeway)
}
