package model_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"rollcall/model"
)

func TestPrefix(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"00000000-0000-0000-0000-000000000000": "org_00000000000000000000000000",
		"00000000-0000-0000-0000-000000000001": "org_00000000000000000000000001",
		"ffffffff-ffff-ffff-ffff-ffffffffffff": "org_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		"01896d3a-0000-7000-8000-00000000001f": "org_01H5PKM000E008000000000000"[:29] + "Z",
	} {
		got := model.OrganizationPrefix.ID(id)
		if got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
		for _, form := range []string{got, "org_" + strings.ToLower(got[4:])} {
			if back, ok := model.OrganizationPrefix.Parse(form); !ok || back != id {
				t.Errorf("%s is read as %s, %t", form, back, ok)
			}
		}
	}
	t.Run("ids sort as what they stand for, and later ones after earlier ones", func(t *testing.T) {
		var stored, shown []string
		for range 1000 {
			id := model.NewID()
			stored, shown = append(stored, id), append(shown, model.EventPrefix.ID(id))
		}
		if !slices.IsSorted(stored) || !slices.IsSorted(shown) {
			t.Error("they do not sort")
		}
		for range 1000 {
			a, b := uuid.NewString(), uuid.NewString()
			if (a < b) != (model.EventPrefix.ID(a) < model.EventPrefix.ID(b)) {
				t.Errorf("%s and %s", a, b)
			}
			if back, ok := model.EventPrefix.Parse(model.EventPrefix.ID(a)); !ok || back != a {
				t.Errorf("%s comes back as %s", a, back)
			}
		}
	})
	t.Run("what is no id of this kind is refused", func(t *testing.T) {
		good := model.DirectoryPrefix.ID(model.NewID())
		tail := strings.TrimPrefix(good, "directory_")
		for _, bad := range []string{
			"", "_", "directory", "directory_", tail, "_" + tail, good + "0", good[:len(good)-1], "Directory_" + tail,
			"user_" + tail, "directory_user_" + tail,
			"directory_8" + tail[1:], "directory_I" + tail[1:], "directory_" + tail[:25] + "U",
			"directory_" + tail[:25] + "l", "directory_" + tail[:25] + "-",
			"directory_" + tail[:24] + "\u00e9", "directory_" + tail[:25] + "\x00", " " + good, good + "\n",
			"directory_" + strings.Repeat("\xff", 26),
		} {
			if id, ok := model.DirectoryPrefix.Parse(bad); ok {
				t.Errorf("%q is read as %s", bad, id)
			}
		}
		if got := model.DirectoryPrefix.ID("no id"); got != "directory_no id" {
			t.Error(got)
		}
	})
	t.Run("every id it reads it also writes, whatever the bytes", func(t *testing.T) {
		seed := []byte("01H5PKM000E00800000000ZZZZ")
		for i := range seed {
			for b := range 256 {
				text := slices.Clone(seed)
				text[i] = byte(b)
				for _, cut := range []int{0, i, len(text)} {
					s := "org_" + string(text[:cut])
					id, ok := model.OrganizationPrefix.Parse(s)
					if ok && model.OrganizationPrefix.ID(id) != "org_"+strings.ToUpper(string(text)) {
						t.Fatalf("%q is read as %s", s, id)
					}
				}
			}
		}
	})
	for _, no := range []string{
		"", "x", "01896D3A-0000-7000-8000-00000000001F", "01896d3a000070008000000000000001",
		"{01896d3a-0000-7000-8000-00000000001f}",
	} {
		if model.IsID(no) {
			t.Errorf("%q is taken for a stored id", no)
		}
	}
}
