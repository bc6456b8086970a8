// Package console holds the pages that browsers show, as files within the binary, and serves them with the headers that keep
// others' hands off: scripts from here alone, and frames only on the web sites that the configuration names.
//
// The pages are written in TypeScript, in the folder web, and built with Vite into dist (scripts/pages does that). A binary that was
// built without them says so where they would be.
package console

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// RegisterCallPage adds the call page at PREFIX/, and the script with which sites show it.
func RegisterCallPage(mux *http.ServeMux, prefix string, sites []string) {
	files, _ := fs.Sub(dist, "dist") // the folder is there: it was embedded
	register(mux, prefix, "call.html", files, sites)
}

func register(mux *http.ServeMux, prefix, page string, files fs.FS, sites []string) {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "media-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors " + strings.Join(append([]string{"'self'"}, sites...), " "),
	}, "; ")
	serve := func(name, cache string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", cache)
			path := name
			if path == "" {
				path = "assets/" + r.PathValue("file")
			}
			if _, err := fs.Stat(files, path); err != nil && name != "" {
				http.Error(w, "this binary was built without its pages: scripts/pages makes them, then build it again", http.StatusNotFound)
				return
			}
			http.ServeFileFS(w, r, files, path)
		}
	}
	mux.HandleFunc("GET "+prefix+"/{$}", serve(page, "no-cache"))
	mux.HandleFunc("GET "+prefix+"/embed.js", serve("embed.js", "max-age=300"))
	mux.HandleFunc("GET "+prefix+"/assets/{file}", serve("", "max-age=31536000, immutable")) // their names hold their hashes
}
