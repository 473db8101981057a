package tenant

import (
	"bytes"
	"strings"
	"testing"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func sealerOf(t *testing.T, keys ...[]byte) sealer {
	t.Helper()
	s, err := newSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSeal(t *testing.T) {
	t.Parallel()
	text := []byte("the secret")
	sealed := sealerOf(t, key(1)).Seal(text, "secrets/a")
	for outcome, c := range map[string]struct {
		keys    [][]byte
		sealed  []byte
		purpose string
		opens   bool
	}{
		"with its key":                   {[][]byte{key(1)}, sealed, "secrets/a", true},
		"with its key as an older one":   {[][]byte{key(2), key(1)}, sealed, "secrets/a", true},
		"not with another key":           {[][]byte{key(2)}, sealed, "secrets/a", false},
		"not under another purpose":      {[][]byte{key(1)}, sealed, "secrets/b", false},
		"not when a bit is wrong":        {[][]byte{key(1)}, flip(sealed, len(sealed)-1), "secrets/a", false},
		"not with another nonce":         {[][]byte{key(1)}, flip(sealed, 6), "secrets/a", false},
		"not with another version":       {[][]byte{key(1)}, flip(sealed, 0), "secrets/a", false},
		"not when cut":                   {[][]byte{key(1)}, sealed[:10], "secrets/a", false},
		"not when empty":                 {[][]byte{key(1)}, nil, "secrets/a", false},
		"not with nothing but its names": {[][]byte{key(1)}, sealed[:17], "secrets/a", false},
	} {
		t.Run(outcome, func(t *testing.T) {
			got, err := sealerOf(t, c.keys...).Open(c.sealed, c.purpose)
			if c.opens != (err == nil) || c.opens && !bytes.Equal(got, text) {
				t.Errorf("%q %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "secret:") {
				t.Error(err)
			}
		})
	}
	t.Run("the same text is sealed differently each time, and never stands in it", func(t *testing.T) {
		again := sealerOf(t, key(1)).Seal(text, "secrets/a")
		if bytes.Equal(again, sealed) || bytes.Contains(sealed, text) || bytes.Contains(sealed, key(1)[:4]) {
			t.Errorf("%x %x", again, sealed)
		}
	})
	t.Run("a key that is none is refused", func(t *testing.T) {
		for _, keys := range [][][]byte{nil, {}, {nil}, {key(1)[:31]}, {key(1), append(key(1), 1)}} {
			if _, err := newSealer(keys); err == nil {
				t.Errorf("%d keys were taken", len(keys))
			}
		}
	})
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}
