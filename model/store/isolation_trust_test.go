package store_test

import (
	"context"
	"maps"
	"reflect"
	"time"

	"rollcall/model"
	"rollcall/model/connection"
	"rollcall/model/internal/storetest"
	"rollcall/model/store"
)

// The entries of TestIsolation about what a connection knows of its identity provider.
func init() {
	maps.Copy(naming, map[string]call{
		"connection.AddKey": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return connection.In(org).AddKey(ctx, of.Connection.ID,
				storetest.CertificateUntil(time.Now().AddDate(1, 0, 0)), []byte("key"))
		},
		"connection.CheckCertificates": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			_, err := connection.In(org).UpdateConnection(ctx, of.Connection.ID,
				func(c *connection.ConnectionFields) error {
					c.IDPCertificates = []string{storetest.CertificateUntil(time.Now().AddDate(0, 0, 1))}
					return nil
				})
			if err != nil {
				return nil, err
			}
			return connection.In(org).CheckCertificates(ctx, of.Connection.ID)
		},
		"connection.ConnectionByExternalID": func(
			ctx context.Context, org *store.Org, of storetest.Estate,
		) (any, error) {
			name := "of " + of.Connection.ID
			_, _ = connection.In(org).UpdateConnection(ctx, of.Connection.ID,
				func(c *connection.ConnectionFields) error { c.ExternalID = name; return nil })
			return connection.In(org).ConnectionByExternalID(ctx, name)
		},
		"connection.SwitchConnection": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return connection.In(org).SwitchConnection(ctx, of.Connection.ID, connection.ConnectionInactive)
		},
		"connection.DeleteKey": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return withSecondKey(ctx, org, of, connection.In(org).DeleteKey)
		},
		"connection.PromoteKey": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return withSecondKey(ctx, org, of, connection.In(org).PromoteKey)
		},
		"connection.RefreshMetadata": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return connection.In(org).RefreshMetadata(ctx, of.Connection.ID, "", func(c *connection.ConnectionFields) {
				c.IDPSSOPostURL = "https://idp.example/post"
			})
		},
		"connection.RefuseMetadata": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			return connection.In(org).RefuseMetadata(ctx, of.Connection.ID, "", "gone")
		},
		"connection.WantMetadata": func(ctx context.Context, org *store.Org, of storetest.Estate) (any, error) {
			soon := model.TimeOf(time.Now().Add(time.Hour))
			c, err := connection.In(org).UpdateConnection(ctx, of.Connection.ID,
				func(c *connection.ConnectionFields) error {
					c.IDPMetadataURL, c.MetadataDueAt = "https://idp.example/metadata", &soon
					return nil
				})
			if err != nil { // as a caller has it who has read it elsewhere
				c = of.Connection
				c.IDPMetadataURL = "https://idp.example/metadata"
			}
			return connection.In(org).WantMetadata(ctx, c)
		},
	})
}

// withSecondKey uses a method on a key that was just added.
func withSecondKey(ctx context.Context, org *store.Org, of storetest.Estate,
	use func(context.Context, string, string) (*connection.Connection, error)) (any, error) {
	text := storetest.CertificateUntil(time.Now().AddDate(1, 0, 0))
	read, err := connection.ReadCertificate(text, connection.RequestSigning, time.Now())
	if err != nil {
		return nil, err
	}
	if _, err := connection.In(org).AddKey(ctx, of.Connection.ID, text, []byte("key")); err != nil {
		if c, foreign := use(ctx, of.Connection.ID, read.Fingerprint); foreign == nil {
			return c, nil
		}
		return nil, err
	}
	return use(ctx, of.Connection.ID, read.Fingerprint)
}

func empty(found any) bool {
	v := reflect.ValueOf(found)
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Pointer:
		return v.IsNil()
	}
	return v.IsZero()
}
