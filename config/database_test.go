package config

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestTransportOfTheDatabase tries how a URL says by which sslmode PostgreSQL is reached. The
// driver's own default sends the password to a server without TLS.
func TestTransportOfTheDatabase(t *testing.T) {
	const fine, unsaid, unknown, risky, broken = "", "does not say how", "has an unknown sslmode", "lets whoever",
		"is not a URL"
	tests := []struct {
		url     string // after postgres://
		environ string
		want    string
	}{
		{url: "localhost/x", want: fine},
		{url: "u:p@127.0.0.1:5432/x", want: fine},
		{url: "u:p@[::1]/x", want: fine},
		{url: "/x", want: fine},
		{url: "/x?host=/var/run/postgresql", want: fine},
		{url: "/x?host=/tmp,localhost", want: fine},
		{url: "localhost:5432,127.0.0.1:5433/x", want: fine},
		{url: "localhost/x?sslmode=disable", want: fine},
		{url: "/x", environ: "PGHOST=/tmp", want: fine},

		{url: "u:p@db.internal/x", want: unsaid},
		{url: "u:p@10.0.0.5/x?connect_timeout=3", want: unsaid},
		{url: "u:p@db.internal", want: unsaid},
		{url: "u:p@[2001:db8::1]:5432/x", want: unsaid},
		{url: "u:p@db1:5432,db2:5432/x?target_session_attrs=read-write", want: unsaid},
		{url: "u:p@localhost,db2/x", want: unsaid},
		{url: "u:p@localhost:5432,db2:5432/x", want: unsaid},
		{url: "/x?host=db.internal", want: unsaid},
		{url: "/x?host=/tmp,db.internal", want: unsaid},
		{url: "localhost/x?host=db.internal", want: unsaid},
		{url: "localhost/x?service=main", want: unsaid},
		{url: "/x", environ: "PGHOST=db.internal", want: unsaid},
		{url: "/x", environ: "PGSERVICE=main", want: unsaid},
		{url: "u:p@db.internal/x", environ: "PGSSLMODE=verify-full", want: unsaid},
		{url: "u:p@db.internal/x?sslmode=", want: unknown},
		{url: "u:p@db.internal/x?sslmode=verify_full", want: unknown},
		{url: "u:p@db.internal/x?sslmode=verify-full&sslmode=no", want: unknown},

		{url: "u:p@db.internal/x?sslmode=verify-full", want: fine},
		{url: "u:p@db1:5432,db2:5432/x?sslmode=verify-full", want: fine},
		{url: "u:p@db.internal/x?sslmode=verify-ca", want: fine},
		{url: "u:p@db.internal/x?sslmode=require", want: fine},
		{url: "u:p@db.internal/x?sslmode=disable", want: risky},
		{url: "u:p@db.internal/x?sslmode=allow", want: risky},
		{url: "u:p@db.internal/x?sslmode=prefer", want: risky},
		{url: "u:p@localhost,db2/x?sslmode=prefer", want: risky},
		{url: "/x?host=db.internal&sslmode=disable", want: risky},
		{url: "u:p@db.internal/x?sslmode=disable&sslmode=verify-full", want: risky},

		{url: "u:p@ss@localhost/x", want: broken},
		{url: "localhost?x=@db.internal/x", want: broken},
		{url: "localhost#@db.internal/x", want: broken},
	}
	key := "ROLLCALL_SECRET_KEY=" + base64.StdEncoding.EncodeToString(key('a'))
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		for _, test := range tests {
			t.Run(test.environ+" "+scheme+test.url, func(t *testing.T) {
				c, err := Load([]string{"ROLLCALL_DATABASE_URL=" + scheme + test.url, key, test.environ}, "")
				said := strings.Join(c.Warnings, "\n")
				if test.want != risky && err != nil {
					said = err.Error()
				}
				refused := err != nil && test.want == risky
				if refused || (said == "") != (test.want == "") || !strings.Contains(said, test.want) {
					t.Fatalf("says %q %v, want %q", said, err, test.want)
				}
				if said != "" && !strings.HasPrefix(said, "ROLLCALL_DATABASE_URL: ") || strings.Contains(said, "u:p@") {
					t.Errorf("says %q", said)
				}
			})
		}
	}
}
