package people

import (
	"rollcall/model/internal/tenant"
)

// The columns of users by what the statements do with them.
var (
	UserColumns        = tenant.ColumnsOf[User]()
	ReadUserColumns    = UserColumns.Readable()
	DerivedUserColumns = UserColumns.Where(tenant.RowColumn.Derived)
	OtherUserColumns   = UserColumns.Where(func(c tenant.RowColumn) bool { return c.Writable() && !c.Derived() })

	ReadGroupColumns = tenant.ColumnsOf[DirectoryGroup]().Readable()
)
