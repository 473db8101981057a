package storetest

import (
	"rollcall/model/directory"
)

// Unaltered is a change of a group that changes nothing.
func Unaltered(*directory.GroupDraft) error { return nil }
