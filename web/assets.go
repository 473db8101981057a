package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

const assetRoute = "/assets/:name"

// asset is a file whose URL contains the hash of its content, so that browsers may keep it forever.
type asset struct {
	kind    string // media type
	content []byte
}

func (p *Pages) addAssets(files fs.FS) error {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return fmt.Errorf("list assets: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if p.hashed[name] != "" {
			return fmt.Errorf("asset %s is there already", name)
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read asset %s: %w", name, err)
		}
		extension := path.Ext(name)
		kind := mime.TypeByExtension(extension)
		if kind == "" {
			return fmt.Errorf("asset %s has an unknown extension", name)
		}
		sum := sha256.Sum256(content)
		hashed := strings.TrimSuffix(name, extension) + "." + hex.EncodeToString(sum[:8]) + extension
		p.hashed[name] = hashed
		p.assets[hashed] = asset{kind, content}
	}
	return nil
}

// assetURL is the template function asset: it returns the URL of an asset by its name.
func (p *Pages) assetURL(name string) (string, error) {
	hashed := p.hashed[name]
	if hashed == "" {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return "/assets/" + hashed, nil
}

func (p *Pages) mountAssets(e *echo.Echo) {
	e.Match([]string{http.MethodGet, http.MethodHead}, assetRoute, func(c echo.Context) error {
		a, ok := p.assets[c.Param("name")]
		if !ok {
			return echo.ErrNotFound
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
		return c.Blob(http.StatusOK, a.kind, a.content)
	})
}
