package store_test

import (
	"context"

	"rollcall/model/internal/storetest"
	"rollcall/model/signon"
	"rollcall/model/store"
)

// Logins on their way are not stored. What is sealed for one organization opens in no other.

var loginNaming = map[string]call{
	"signon.Login": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := &signon.Login{ConnectionID: of.Connection.ID, RequestID: "_1"}
		handle, kept := signon.In(of.Org).StartLogin(l)
		return signon.In(org).Login(of.Connection.ID, handle, func(string) []byte { return kept })
	},
	"signon.FollowLogout": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		s := signon.Across(of.Org)
		l, err := s.OpenLogoutToken(s.LogoutToken(signon.Logout{OrganizationID: of.Org.ID, IdentityID: of.Identity.ID}))
		if err != nil {
			return nil, err
		}
		return storetest.Done(signon.In(org).FollowLogout(ctx, l, of.SignedIn.Session.ID))
	},
	"signon.Awaited": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := &signon.Login{ConnectionID: of.Connection.ID}
		handle, _ := signon.In(of.Org).StartLogin(l)
		return signon.In(org).Awaited(ctx, of.Connection.ID, []string{"_" + handle})
	},
	"signon.Used": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).Used(ctx, of.Login)
	},
	"signon.Agreed": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		_, agreed, err := signon.Across(of.Org).Agree(signon.In(of.Org).Ask(of.SignedIn.Session.ID, "/"))
		return signon.In(org).Agreed(agreed, of.SignedIn.Session.ID), err
	},
}

var loginWhole = map[string]call{
	"signon.StartLogin": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		handle, _ := signon.In(org).StartLogin(&signon.Login{ConnectionID: of.Connection.ID, RequestID: "_1"})
		return handle, nil
	},
	"signon.StartAuthorization": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		p := &signon.PendingAuthorization{ApplicationID: *of.Login.ApplicationID}
		return signon.In(org).StartAuthorization(p), nil
	},
	"signon.Handle": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).Handle(of.Login), nil
	},
	"signon.Ask": func(_ context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).Ask(of.SignedIn.Session.ID, "/"), nil
	},
	"signon.Unused": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := &signon.Login{ConnectionID: of.Connection.ID, RequestID: "_1"}
		signon.In(of.Org).StartLogin(l)
		return storetest.Done(signon.In(org).Unused(ctx, l))
	},
}
