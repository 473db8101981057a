package config

import (
	"fmt"
	"io"
	"log/slog"
)

// concealed is what every print, log line and encoding of a secret shows.
const concealed = "[secret]"

// Secret is a value that no print, log line or encoding shows; string(s) is the value itself.
// The empty Secret is a setting without a value.
type Secret string

// String conceals the value.
func (s Secret) String() string { return concealed }

// Format conceals the value from every verb of package fmt, %#v and %x among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, concealed) }

// LogValue conceals the value from package slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(concealed) }

// MarshalText conceals the value from encoding/json and the encodings like it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(concealed), nil }

// Keys are the keys of ROLLCALL_SECRET_KEY, 32 bytes each, and conceal themselves as Secret does.
// The first one seals, all of them open. It is empty when the setting is.
type Keys [][]byte

// String conceals the keys.
func (k Keys) String() string { return concealed }

// Format conceals the keys from every verb of package fmt.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, concealed) }

// LogValue conceals the keys from package slog.
func (k Keys) LogValue() slog.Value { return slog.StringValue(concealed) }

// MarshalText conceals the keys from encoding/json and the encodings like it.
func (k Keys) MarshalText() ([]byte, error) { return []byte(concealed), nil }
