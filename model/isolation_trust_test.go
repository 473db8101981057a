package model_test

import (
	"context"
	"maps"
	"time"

	"rollcall/model"
)

// The entries of TestIsolation about what a connection knows of its identity provider.
func init() {
	maps.Copy(naming, map[string]call{
		"AddKey": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.AddKey(ctx, of.connection.ID, certificateUntil(time.Now().AddDate(1, 0, 0)), []byte("key"))
		},
		"CheckCertificates": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			_, err := org.UpdateConnection(ctx, of.connection.ID, func(c *model.Connection) error {
				c.IDPCertificates = []string{certificateUntil(time.Now().AddDate(0, 0, 1))}
				return nil
			})
			if err != nil {
				return nil, err
			}
			return org.CheckCertificates(ctx, of.connection.ID)
		},
		"DeleteKey": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return withSecondKey(ctx, org, of, org.DeleteKey)
		},
		"PromoteKey": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return withSecondKey(ctx, org, of, org.PromoteKey)
		},
		"RefreshMetadata": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.RefreshMetadata(ctx, of.connection.ID, "", func(c *model.Connection) { c.IDPSSOPostURL = "https://idp.example/post" })
		},
		"RefuseMetadata": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.RefuseMetadata(ctx, of.connection.ID, "", "gone")
		},
		"WantMetadata": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			soon := model.TimeOf(time.Now().Add(time.Hour))
			c, err := org.UpdateConnection(ctx, of.connection.ID, func(c *model.Connection) error {
				c.IDPMetadataURL, c.MetadataDueAt = "https://idp.example/metadata", &soon
				return nil
			})
			if err != nil { // as a caller has it who has read it elsewhere
				c = of.connection
				c.IDPMetadataURL = "https://idp.example/metadata"
			}
			return org.WantMetadata(ctx, c)
		},
	})
}

// withSecondKey uses a method on a key that was just added.
func withSecondKey(ctx context.Context, org *model.Org, of estate, use func(context.Context, string, string) (*model.Connection, error)) (any, error) {
	text := certificateUntil(time.Now().AddDate(1, 0, 0))
	read, err := model.ReadCertificate(text, model.RequestSigning, time.Now())
	if err != nil {
		return nil, err
	}
	if _, err := org.AddKey(ctx, of.connection.ID, text, []byte("key")); err != nil {
		if c, foreign := use(ctx, of.connection.ID, read.Fingerprint); foreign == nil {
			return c, nil
		}
		return nil, err
	}
	return use(ctx, of.connection.ID, read.Fingerprint)
}
