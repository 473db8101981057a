package model_test

import (
	"context"
	"maps"
	"reflect"
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
			_, err := org.UpdateConnection(ctx, of.connection.ID, func(c *model.ConnectionFields) error {
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
			return org.RefreshMetadata(ctx, of.connection.ID, "", func(c *model.ConnectionFields) {
				c.IDPSSOPostURL = "https://idp.example/post"
			})
		},
		"RefuseMetadata": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			return org.RefuseMetadata(ctx, of.connection.ID, "", "gone")
		},
		"WantMetadata": func(ctx context.Context, org *model.Org, of estate) (any, error) {
			soon := model.TimeOf(time.Now().Add(time.Hour))
			c, err := org.UpdateConnection(ctx, of.connection.ID, func(c *model.ConnectionFields) error {
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

// identifying are the texts that occur in an answer only when it shows something of the estate.
func (e estate) identifying() []string {
	return []string{string(e.org.ID), e.domain.ID, e.directory.ID, e.token.ID, e.user.ID, e.other.ID, e.unowned.ID,
		e.group.ID, e.identity.ID, e.connection.ID, e.login.ID, e.logout.ID, e.signedIn.Session.ID, e.attempt.ID, e.tombstone.ID, e.schema.ID,
		e.account.ID, e.accountGroup.ID, e.license.ID, e.verified, e.externalID}
}

func done(err error) (any, error) { return err == nil, err }

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
