package storetest

import (
	"strconv"

	"rollcall/model/people"
)

// Count is one more in a user's title: what each of its events shows.
func Count(u *people.UserDraft) error {
	d, err := u.DocumentMap()
	if err != nil {
		return err
	}
	n := 0
	if title, ok := d["title"].(string); ok {
		if n, err = strconv.Atoi(title); err != nil {
			return err
		}
	}
	d["title"] = strconv.Itoa(n + 1)
	return u.SetDocument(d)
}
