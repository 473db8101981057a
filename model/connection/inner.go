package connection

import "rollcall/model/internal/tenant"

// Inner is an Org with what the other packages of the store build on. Its methods run in the
// transaction of their caller, who carries out what follows.
type Inner struct{ Org }

// Inside returns the Inner of an organization. Only a package of the store can make its argument.
func Inside(org tenant.Inner) Inner { return Inner{In(org)} }

func (o Org) inner() Inner { return Inner{o} }
