package storetest

import (
	"rollcall/model/modeltest"
	"rollcall/model/store"
)

func Options() store.Options { return store.Options{Keys: [][]byte{modeltest.Key}} }
