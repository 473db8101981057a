package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/config"
)

// TestWalkPasswords runs the chapter about passwords after the first steps.
func TestWalkPasswords(t *testing.T) {
	r := newReader(t)
	const passwords = "Passwords for administrators"
	out := r.types(t, r.firstSteps(t), r.chapter(t, operatePage, passwords))[passwords]
	for _, want := range []string{
		"\n200\n303\n", `"method":"password"`, `"role":"admin"`, `"email":"hedy@northwind.example"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

// TestWalkProduction runs the chapter that makes the two keys. Only their owner may read them.
func TestWalkProduction(t *testing.T) {
	r := newReader(t)
	out := r.types(t, r.chapter(t, operatePage, "Production"))["Production"]
	if !strings.Contains(out, `"status":"ok"`) {
		t.Errorf("the server is not ready: %s", out)
	}
	secret, operator := filepath.Join(r.folder, "secret.key"), filepath.Join(r.folder, "operator.key")
	for _, file := range []string{secret, operator} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", file, info.Mode())
		}
	}
	_, err := config.Load([]string{"ROLLCALL_SECRET_KEY_FILE=" + secret, "ROLLCALL_API_KEY_FILE=" + operator}, "")
	if err != nil {
		t.Error(err)
	}
}
