package api

import "rollcall/model/organization"

// clientObject is the public form of an application's settings at the OpenID provider.
type clientObject struct {
	RequirePKCE      bool                          `json:"require_pkce"`
	Public           bool                          `json:"public"`
	Native           bool                          `json:"native"`
	IDTokenAlgorithm organization.IDTokenAlgorithm `json:"id_token_signed_response_alg"`
	IDTokenClaims    organization.IDTokenClaims    `json:"id_token_claims"`
}

func clientForm(c *organization.Client) clientObject {
	return clientObject{RequirePKCE: c.RequirePKCE, Public: c.Public, Native: c.Native,
		IDTokenAlgorithm: c.IDTokenAlgorithm, IDTokenClaims: c.IDTokenClaims}
}

// clientBody is what POST and PATCH take of them.
type clientBody struct {
	RequirePKCE      *bool                          `json:"require_pkce"`
	Public           *bool                          `json:"public"`
	Native           *bool                          `json:"native"`
	IDTokenAlgorithm *organization.IDTokenAlgorithm `json:"id_token_signed_response_alg"`
	IDTokenClaims    *organization.IDTokenClaims    `json:"id_token_claims"`
}

// apply changes the members that were sent.
func (b *clientBody) apply(c *organization.Client) {
	set(&c.RequirePKCE, b.RequirePKCE)
	set(&c.Public, b.Public)
	set(&c.Native, b.Native)
	set(&c.IDTokenAlgorithm, b.IDTokenAlgorithm)
	set(&c.IDTokenClaims, b.IDTokenClaims)
}
