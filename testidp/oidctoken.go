package testidp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// tokenTime is how long an ID token is valid.
const tokenTime = time.Hour

// idToken makes the ID token of a grant. access is the access token that is sent with it.
func (a *Application) idToken(g grant, access string) (string, error) {
	who, err := a.dir.person(g.person)
	if err != nil {
		return "", err
	}
	vary, now := a.varied(), a.client.now()
	sum := sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": a.OIDCIssuer(), "aud": a.relyingParty().id, "iat": now.Unix(), "exp": now.Add(tokenTime).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	if g.maxAge || a.personality.name != EntraSAML {
		claims["auth_time"] = g.since.Unix()
	}
	claims = merged(claims, a.tokenClaims(who, vary))
	if vary.Edit != nil {
		vary.Edit(claims)
	}
	return a.sign(claims, vary)
}

// tokenClaims returns the claims about a person in an ID token, as the personality sends them.
func (a *Application) tokenClaims(who Person, vary TokenOptions) map[string]any {
	groups := a.groupsOf(who, vary.Groups)
	switch a.personality.name {
	case EntraSAML:
		return a.entraToken(who, groups)
	case OktaSAML:
		// Okta sends few claims in the token. The others are at userinfo.
		return map[string]any{
			"sub": who.ExternalID, "ver": 1, "amr": []string{"pwd"}, "idp": "00o" + who.ExternalID[3:],
			"preferred_username": who.UserName, "name": who.Name(),
		}
	}
	return merged(profileClaims(who), map[string]any{"sub": who.ExternalID, "groups": groupNames(groups)})
}

// entraToken returns the claims of Entra ID. It has the optional claims email and xms_edov, which
// administrators are asked to configure. If there are too many groups, it has an address of
// Microsoft Graph instead.
func (a *Application) entraToken(who Person, groups []Group) map[string]any {
	ids := []string{}
	for _, g := range groups {
		ids = append(ids, g.ExternalID)
	}
	sum := sha256.Sum256([]byte(a.relyingParty().id + "\n" + who.ExternalID))
	claims := map[string]any{
		"ver": "2.0", "tid": a.tenant(), "oid": who.ExternalID, "sub": base64.RawURLEncoding.EncodeToString(sum[:]),
		"name": who.Name(), "given_name": who.GivenName, "family_name": who.FamilyName,
		"preferred_username": who.UserName, "email": who.UserName, "xms_edov": true,
	}
	if len(groups) > maxEntraTokenGroups {
		claims["_claim_names"] = map[string]string{"groups": "src1"}
		claims["_claim_sources"] = map[string]any{"src1": map[string]string{
			"endpoint": "https://graph.windows.net/" + a.tenant() + "/users/" + who.ExternalID + "/getMemberObjects"}}
		return claims
	}
	claims["groups"] = ids
	return claims
}

// maxEntraTokenGroups is the most groups that Entra ID puts into an ID token.
const maxEntraTokenGroups = 200

// profileClaims returns the standard claims (OpenID Connect Core, section 5.1).
func profileClaims(who Person) map[string]any {
	return map[string]any{
		"name": who.Name(), "given_name": who.GivenName, "family_name": who.FamilyName,
		"preferred_username": who.UserName, "email": who.UserName, "email_verified": true,
	}
}

// sign returns a token in compact form (RFC 7515, section 3.1), signed by RS256 unless varied.
func (a *Application) sign(claims map[string]any, vary TokenOptions) (string, error) {
	keys, err := a.oidcKeys()
	if err != nil {
		return "", err
	}
	header := map[string]any{"alg": "RS256", "typ": "JWT", "kid": keyID(&keys[0].PublicKey)}
	if vary.Header != nil {
		vary.Header(header)
	}
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(h) + "." + encode(c)
	if vary.Sign != nil {
		return input + "." + encode(vary.Sign(input)), nil
	}
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, keys[0], crypto.SHA256, sum[:])
	return input + "." + encode(signature), err
}

// token is the token endpoint: it exchanges a code (RFC 6749, section 4.1.3).
func (s *Server) token(w http.ResponseWriter, r *http.Request, a *Application) {
	refuse := func(status int, code, description string) {
		s.json(w, status, map[string]string{"error": code, "error_description": description})
	}
	client := a.relyingParty()
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, basic := r.BasicAuth(); basic {
		id, _ = url.QueryUnescape(user) // RFC 6749, section 2.3.1
		secret, _ = url.QueryUnescape(password)
	}
	if client.id == "" || id != client.id || subtle.ConstantTimeCompare([]byte(secret), []byte(client.secret)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="Northwind Directory"`)
		refuse(http.StatusUnauthorized, "invalid_client", "the client's id or secret is wrong")
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(http.StatusBadRequest, "unsupported_grant_type", "only authorization_code")
		return
	}
	g, ok := a.redeem(r.PostForm.Get("code"), r.PostForm.Get("code_verifier"))
	if !ok || r.PostForm.Get("redirect_uri") != client.redirectURI {
		refuse(http.StatusBadRequest, "invalid_grant",
			"the code is unknown, used or too old, or belongs to another request")
		return
	}
	access := a.keep(&a.openID.access, g)
	token, err := a.idToken(g, access)
	if err != nil {
		s.log.Error("make an ID token", "error", err)
		refuse(http.StatusInternalServerError, "server_error", "the ID token cannot be made")
		return
	}
	a.noteToken(g, token)
	s.json(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer",
		"expires_in": int(accessTime.Seconds()), "id_token": token})
}

// noteToken adds the claims of an ID token to the journal.
func (a *Application) noteToken(g grant, token string) {
	title := "Sign somebody in over OpenID Connect"
	if who, err := a.dir.person(g.person); err == nil {
		title = "Sign in " + who.Name()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.note(title, Exchange{At: a.client.now(), Method: http.MethodPost, Path: a.at("oidc/token"),
		Request: cut(payload(token), maxShownRequest), ByBrowser: true})
}

// payload returns the claims of a token as indented JSON, or "" if it cannot be read.
func payload(token string) string {
	var claims map[string]any
	_, rest, _ := strings.Cut(token, ".")
	encoded, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	out, err := json.MarshalIndent(claims, "", "  ")
	if err != nil {
		return ""
	}
	return string(out)
}

// userInfo returns the claims about the person of an access token (OpenID Connect Core, section
// 5.3).
func (s *Server) userInfo(w http.ResponseWriter, r *http.Request, a *Application) {
	g, ok := a.granted(bearerToken(r))
	who, err := a.dir.person(g.person)
	if !ok || err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		s.json(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	vary := a.varied()
	claims := merged(profileClaims(who), map[string]any{
		"sub": who.ExternalID, "groups": groupNames(a.groupsOf(who, vary.Groups)),
	})
	if a.personality.name == EntraSAML {
		claims = map[string]any{"sub": a.tokenClaims(who, vary)["sub"], "name": who.Name(), "email": who.UserName}
	}
	if vary.UserInfo != nil {
		vary.UserInfo(claims)
	}
	s.json(w, http.StatusOK, claims)
}
