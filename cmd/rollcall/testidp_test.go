package main

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTestIDPServesItsPageWhateverTheServerSays(t *testing.T) {
	refusing := freeAddress(t) // nobody listens there
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, problems synchronized
	p := program{out: &out, err: &problems}
	ended := make(chan int)
	go func() {
		ended <- p.run(ctx, []string{"testidp", "--scim-url", "http://" + refusing + "/scim", "--token", "secret-token", "--dialect", "entra", "--listen", "127.0.0.1:0"})
	}()
	eventually(t, 30*time.Second, func() bool { return strings.Contains(problems.String(), "Push everyone") })
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(out.String())
	if a := request(t, http.MethodGet, url+"/applications/1", "", ""); a.status != http.StatusOK || strings.Contains(a.body, "secret-token") {
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
