package main

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rollcall/model/modeltest"
)

func TestTestIDPServesItsPageWithoutASCIMServer(t *testing.T) {
	t.Parallel()
	refusing := freeAddress(t) // no server listens there
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, problems synchronized
	p := program{out: &out, err: &problems}
	ended := make(chan int)
	go func() {
		ended <- p.run(ctx, []string{"testidp", "--scim-url", "http://" + refusing + "/scim", "--token", "secret-token",
			"--dialect", "entra", "--listen", "127.0.0.1:0"})
	}()
	modeltest.Eventually(t, func() bool { return strings.Contains(problems.String(), "Push everyone") })
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(out.String())
	a := request(t, http.MethodGet, url+"/applications/1", "", "")
	if a.status != http.StatusOK || strings.Contains(a.body, "secret-token") {
		t.Errorf("the page answers %d, and must not show the token", a.status)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("it ends with %d: %s", code, problems.String())
	}
	if strings.Contains(problems.String(), "secret-token") {
		t.Error("the token is in its messages")
	}
}

func TestTestIDPSignsInWithoutASCIMServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, problems synchronized
	p := program{out: &out, err: &problems}
	ended := make(chan int)
	go func() {
		ended <- p.run(ctx,
			[]string{"testidp", "--saml-entity-id", "https://app.example", "--saml-acs-url", "https://app.example/acs",
				"--personality", "entra", "--listen", "127.0.0.1:0"})
	}()
	printed := regexp.MustCompile(`SAML metadata: (http://127\.0\.0\.1:\d+)(/\S+)`)
	modeltest.Eventually(t, func() bool { return printed.MatchString(out.String()) })
	url := printed.FindStringSubmatch(out.String())
	metadata := request(t, http.MethodGet, url[1]+url[2], "", "")
	if metadata.status != http.StatusOK || !strings.Contains(metadata.body, `entityID="`+url[1]+url[2]) {
		t.Errorf("the metadata that it prints answers %d %s", metadata.status, metadata.body)
	}
	a := request(t, http.MethodGet, url[1]+"/applications/1", "", "")
	if !strings.Contains(a.body, "https://app.example/acs") || strings.Contains(a.body, "Push everyone") {
		t.Errorf("the page answers %d and is not that of sign-on alone", a.status)
	}
	issuer := regexp.MustCompile(`OpenID issuer: (\S+)`).FindStringSubmatch(out.String())
	var configuration struct{ Issuer string }
	request(t, http.MethodGet, issuer[1]+"/.well-known/openid-configuration", "", "").decode(t, &configuration)
	if configuration.Issuer != issuer[1] {
		t.Errorf("the issuer that it prints answers with the issuer %s", configuration.Issuer)
	}
	cancel()
	if code := <-ended; code != 0 || problems.String() != "" {
		t.Errorf("it ends with %d: %s", code, problems.String())
	}
}
