package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

const assetRoute = "/assets/:name"

// asset is a file whose URL contains the hash of its content, so that browsers may keep it forever.
type asset struct {
	kind    string // media type
	content []byte
	gzipped []byte // content compressed; nil when that is no gain
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
		a := asset{kind: kind, content: content}
		if a.gzipped, err = compressed(kind, content); err != nil {
			return fmt.Errorf("compress asset %s: %w", name, err)
		}
		p.assets[hashed] = a
	}
	return nil
}

// compressed is a text in gzip, once for all who ask for it.
func compressed(kind string, content []byte) ([]byte, error) {
	if !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "javascript") && !strings.Contains(kind, "svg") {
		return nil, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() >= len(content) {
		return nil, nil
	}
	return b.Bytes(), nil
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
		h := c.Response().Header()
		h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
		if a.gzipped == nil {
			return c.Blob(http.StatusOK, a.kind, a.content)
		}
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
		if !takesGzip(c.Request().Header.Get(echo.HeaderAcceptEncoding)) {
			return c.Blob(http.StatusOK, a.kind, a.content)
		}
		h.Set(echo.HeaderContentEncoding, "gzip")
		return c.Blob(http.StatusOK, a.kind, a.gzipped)
	})
}

// takesGzip reports whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).
func takesGzip(accept string) bool {
	takes := false
	for item := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(item, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "x-gzip" && coding != "*" {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		takes = !weighted || err == nil && q > 0
		if coding != "*" {
			return takes // the coding's own weight decides over that of all others
		}
	}
	return takes
}
