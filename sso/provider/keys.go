package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"

	"rollcall/model"
	"rollcall/model/grant"
)

// keysKept is how long the keys are used before they are read again, so that all replicas have the
// same.
const keysKept = time.Minute

// published returns the published keys.
func (s *Server) published(ctx context.Context) ([]grant.Key, error) {
	return s.keys.get(s.Store.Now(), keysKept, func() ([]grant.Key, error) {
		return grant.Across(s.Store).Keys(ctx)
	})
}

// key returns a key by its id, also one that is not published any more. It opens one only once in a
// while: anybody may send a token of it.
func (s *Server) key(ctx context.Context, id string) (*grant.Key, error) {
	keys, err := s.published(ctx)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		if keys[i].ID == id {
			return &keys[i], nil
		}
	}
	// Only keys of the database get into the map, of which there are a few in a year.
	old, err := s.old.get(s.Store.Now(), keysKept, func() (*sync.Map, error) { return new(sync.Map), nil })
	if err != nil {
		return nil, err
	}
	if found, ok := old.Load(id); ok {
		return found.(*grant.Key), nil
	}
	key, err := grant.Across(s.Store).Key(ctx, id)
	if err == nil {
		old.Store(id, key)
	}
	return key, err
}

// KeySet answers with the keys that ID tokens are verified with (RFC 7517).
func (s *Server) KeySet(c echo.Context) error {
	keys, err := s.published(c.Request().Context())
	if err != nil {
		return err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Signer.Public(), KeyID: k.ID,
			Algorithm: k.Algorithm, Use: "sig"})
	}
	c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
	c.Response().Header().Set(echo.HeaderCacheControl, publicMaxAge)
	return c.JSON(http.StatusOK, set)
}

// sign makes a JSON Web Token of claims.
func (s *Server) sign(
	ctx context.Context, algorithm string, kind string, claims any,
) (string, error) {
	keys, err := s.published(ctx)
	if err != nil {
		return "", err
	}
	now := model.TimeOf(s.Store.Now())
	for _, k := range keys {
		if k.Algorithm != algorithm || k.SignsFrom > now {
			continue
		}
		key := jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm),
			Key: jose.JSONWebKey{Key: k.Signer, KeyID: k.ID}}
		signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
		if err != nil {
			return "", fmt.Errorf("sign token: %w", err)
		}
		text, err := json.Marshal(claims)
		if err != nil {
			return "", fmt.Errorf("sign token: %w", err)
		}
		signed, err := signer.Sign(text)
		if err != nil {
			return "", fmt.Errorf("sign token: %w", err)
		}
		return signed.CompactSerialize()
	}
	return "", fmt.Errorf("sign token: no key of %s signs now", algorithm)
}
