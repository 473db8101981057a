package config

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestLoadRepeatsNoMisplacedSecret puts secrets where a name or a path belongs: the error ends up in
// logs that more people read than the configuration.
func TestLoadRepeatsNoMisplacedSecret(t *testing.T) {
	t.Parallel()
	const password, apiKey = "hunter2secret", "sk_0123456789abcdef0123456789abcdef"
	secretKey := base64.StdEncoding.EncodeToString(key('a'))
	tests := map[string]struct {
		environ []string
		file    string
		secret  string
		want    string
	}{
		"a value on a line of its own": {
			file: "ROLLCALL_SECRET_KEY=\n" + secretKey + "\n", secret: strings.TrimRight(secretKey, "="),
			want: "line 2): is no setting; write NAME=VALUE",
		},
		"a database URL without its name": {
			file: "postgres://u:" + password + "@db/rollcall?sslmode=require\n", secret: password,
			want: "line 1): is no setting; write NAME=VALUE",
		},
		"a value in the place of a file's path": {
			environ: []string{"ROLLCALL_API_KEY_FILE=" + apiKey}, secret: apiKey,
			want: "ROLLCALL_API_KEY_FILE: the file that it names cannot be opened (no such file or directory); write the path",
		},
		"a database URL in the place of a file's path": {
			environ: []string{"ROLLCALL_DATABASE_URL_FILE=postgres://u:" + password + "@db/rollcall"}, secret: password,
			want: "ROLLCALL_DATABASE_URL_FILE: the file that it names cannot be opened",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := ""
			if test.file != "" {
				file = write(t, test.file)
			}
			_, err := Load(test.environ, file)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), test.secret) {
				t.Errorf("the error repeats the secret: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q in it", err, test.want)
			}
		})
	}
}
