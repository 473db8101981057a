package store_test

import (
	"context"

	"rollcall/model/internal/storetest"
	"rollcall/model/signon"
	"rollcall/model/store"
	"rollcall/model/testlogin"
)

var testNaming = map[string]call{
	"testlogin.Begin": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return testlogin.In(org).Begin(ctx, of.Connection.ID)
	},
	"testlogin.Test": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return testlogin.In(org).Test(ctx, of.Test.ID)
	},
	"testlogin.Tests": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return testlogin.In(org).Tests(ctx, of.Connection.ID, 10)
	},
	"testlogin.Proof": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return testlogin.In(org).Proof(ctx, of.Connection)
	},
	"testlogin.Finish": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		l := &signon.Login{ConnectionID: of.Connection.ID, TestID: of.Test.ID}
		return testlogin.In(org).Finish(ctx, testlogin.Answer{Connection: of.Connection, Login: l,
			Result: testlogin.Red, Reason: "expired"})
	},
	"signon.Rehearse": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return signon.In(org).Rehearse(ctx, storetest.Response(of.Connection, of.Login,
			storetest.ClaimsOf("s", "ada@shared.example")))
	},
}

var testWhole = map[string]call{
	"testlogin.MayBegin": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
		return storetest.Done(testlogin.In(org).MayBegin(ctx, of.Connection.ID))
	},
}
