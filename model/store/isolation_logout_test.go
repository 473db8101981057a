package store_test

import (
	"context"

	"rollcall/model/internal/storetest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// logoutNaming are the methods of naming that are about single logout.
var logoutNaming = map[string]call{
	"signon.LogoutByProvider": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).LogoutByProvider(ctx, signon.ProviderLogout{ConnectionID: of.Connection.ID,
			RequestID: "_1", NameID: "name of s"})
	},
	"signon.ProviderSession": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).ProviderSession(ctx, of.SignedIn.Session.ID)
	},
	"signon.RecordFailedLogout": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).RecordFailedLogout(ctx, signon.LoginAttempt{ConnectionID: of.Connection.ID,
			Reason: "expired"})
	},
	"signon.SingleLogout": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).SingleLogout(ctx, of.Connection.ID, of.Logout.ID)
	},
	"signon.StartLogout": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := signon.SingleLogout{ConnectionID: of.Connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
		return storetest.Done(signon.In(org).StartLogout(ctx, &l))
	},
	"signon.UseLogout": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(signon.In(org).UseLogout(ctx, of.Logout.ID))
	},
}
