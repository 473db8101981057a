package connection

import (
	"maps"
	"slices"
)

// UnderstoodAs tells whether a response means the same to two versions of a connection.
func (c *Connection) UnderstoodAs(other *Connection) bool {
	return c.IDPEntityID == other.IDPEntityID && slices.Equal(c.IDPCertificates, other.IDPCertificates) &&
		c.OIDCClientID == other.OIDCClientID && c.OIDCGroupsClaim == other.OIDCGroupsClaim &&
		c.SubjectAttribute == other.SubjectAttribute && c.UsernameAttribute == other.UsernameAttribute && c.TrustEmail == other.TrustEmail &&
		maps.Equal(c.AttributeMapping, other.AttributeMapping)
}
