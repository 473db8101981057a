package tenant

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"rollcall/model"
)

// Base is a handle of the whole store: a Store or an Org, or anything that embeds one.
type Base interface{ base() *Store }

// Bound is a handle of one organization: an Org, or anything that embeds one.
type Bound interface {
	Base
	org() *Org
}

func (s *Store) base() *Store { return s }
func (o *Org) base() *Store   { return o.store }
func (o *Org) org() *Org      { return o }

// StoreOf returns the store of a handle.
func StoreOf(h Base) *Store { return h.base() }

// Of returns the Org of a handle.
func Of(h Bound) *Org { return h.org() }

// DB returns the organization's database, for writes and for the reads of a transaction. GORM adds
// the organization to every statement.
func DB(ctx context.Context, h Bound) *gorm.DB { return h.org().db().WithContext(ctx) }

// Read returns the organization's database for reads. In a transaction it is the transaction's.
func Read(ctx context.Context, h Bound) *gorm.DB { return h.org().read().WithContext(ctx) }

// Unscoped returns the database as no statement may use it: each needs an organization, or the key
// of package across. Tests show by it that such a statement is refused.
func Unscoped(h Base) *gorm.DB { return h.base().db }

// By returns the actor.
func By(h Bound) model.Actor { return h.org().by }

// Log returns the log for what no caller can be told.
func Log(h Base) *slog.Logger { return h.base().log }

// HashKey returns the key of hashes that only this installation can compare.
func HashKey(h Base) []byte { return h.base().hashKey }

// SetPatience changes how long one filter may take, for tests.
func SetPatience(h Base, patience time.Duration) { h.base().patience = patience }

// PasswordMemory returns Options.PasswordMemory.
func PasswordMemory(h Base) uint32 { return h.base().passwordMemory }

// DialectOf returns which database the store is in.
func DialectOf(h Base) Dialect { return h.base().dialect }

// RuledOf returns which organizations have rules of licenses and groups.
func RuledOf(h Base) *ruledOrganizations { return &h.base().ruled }

// SealerOf returns what seals secrets.
func SealerOf(h Base) *sealer { return &h.base().seal }

// Inner is an Org in the hands of a package of the store: no other package can name this type or
// make one. What takes it may do what leaves consequences to its caller.
type Inner struct{ *Org }

// Inside returns the Inner of an organization.
func Inside(h Bound) Inner { return Inner{h.org()} }

// InnerStore is a Store in the hands of a package of the store.
type InnerStore struct{ *Store }

// InsideStore returns the InnerStore of a store.
func InsideStore(h Base) InnerStore { return InnerStore{h.base()} }
