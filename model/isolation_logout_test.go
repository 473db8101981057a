package model_test

import (
	"context"

	"rollcall/model"
)

// logoutNaming are the methods of naming that are about single logout.
var logoutNaming = map[string]call{
	"LogoutByProvider": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.LogoutByProvider(ctx, model.ProviderLogout{ConnectionID: of.connection.ID, RequestID: "_1", NameID: "name of s"})
	},
	"ProviderSession": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.ProviderSession(ctx, of.signedIn.Session.ID)
	},
	"RecordFailedLogout": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.RecordFailedLogout(ctx, model.LoginAttempt{ConnectionID: of.connection.ID, Reason: "expired"})
	},
	"SingleLogout": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return org.SingleLogout(ctx, of.connection.ID, of.logout.ID)
	},
	"StartLogout": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		l := model.SingleLogout{ConnectionID: of.connection.ID, RequestID: "_1", BrowserHash: []byte("hash")}
		return done(org.StartLogout(ctx, &l))
	},
	"UseLogout": func(ctx context.Context, org *model.Org, of estate) (any, error) {
		return done(org.UseLogout(ctx, of.logout.ID))
	},
}
