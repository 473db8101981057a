package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestLoadRepeatsNoMisplacedSecret puts secrets where a name or a path belongs: the error ends up
// in logs that more people read than the configuration.
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
			want: "ROLLCALL_API_KEY_FILE: the file that it names cannot be opened (no such file or directory); write " +
				"the path",
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

func TestSecretsAreConcealed(t *testing.T) {
	const secret = "hunter2secret-hunter2secret-1234"
	c := Config{Database: secret, APIKey: secret, SecretKeys: Keys{[]byte(secret)}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", c.APIKey)
		fmt.Fprintf(&out, verb+"\n", c.SecretKeys)
		fmt.Fprintf(&out, verb+"\n", c)
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("start", "key", c.APIKey, "keys", c.SecretKeys, "config", c)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	out.WriteString(c.APIKey.String() + c.SecretKeys.String())

	leaks := []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), "[104 117 110",
		base64.StdEncoding.EncodeToString([]byte(secret))}
	for _, leak := range leaks {
		if strings.Contains(out.String(), leak) {
			t.Errorf("output contains %q:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(string(text), `"APIKey":"[secret]"`) {
		t.Errorf("JSON does not say that there is a secret: %s", text)
	}
}
