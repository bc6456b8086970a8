package models

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Manifest says which files there are, and where each comes from.
type Manifest struct {
	Packages []Package `json:"packages"`
	Models   []Model   `json:"models"`
}

// Package is one package of a registry at one version.
type Package struct {
	ID   string `json:"id"`   // "npm:llama-tokenizer-js@1.2.2", "go:github.com/amitybell/piper-voice-alan@v0.0.0-..."
	Size int64  `json:"size"` // bytes to wait for while it is fetched: npm unpacked, Go zipped
	Sum  string `json:"sum"`  // of a Go module, "h1:..."; npm packages have theirs in the lock file
}

// registry, name and version of the package.
func (p Package) split() (registry, name, version string) {
	registry, rest, _ := strings.Cut(p.ID, ":")
	i := strings.LastIndexByte(rest, '@')
	return registry, rest[:i], rest[i+1:]
}

// Model is one thing that can be used, of one or more files.
type Model struct {
	Name    string `json:"name"` // also its folder
	What    string `json:"what"`
	Package string `json:"package"` // ID
	Licence string `json:"licence"`
	Files   []File `json:"files"`
}

// Size of all files, in bytes.
func (m Model) Size() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// File is one file of the models folder.
type File struct {
	Path   string `json:"path"`             // in the models folder, with slashes
	From   string `json:"from"`             // in the package
	Derive string `json:"derive,omitempty"` // how it is made from that; "": as it is
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

//go:embed manifest.json
var manifestJSON []byte

// Shipped is the manifest this program was built with.
var Shipped = sync.OnceValue(func() *Manifest {
	m := new(Manifest)
	if err := json.Unmarshal(manifestJSON, m); err != nil {
		panic(fmt.Sprintf("models: the embedded manifest: %v", err)) // a mistake of ours, found by any test
	}
	return m
})

func (m *Manifest) pkg(id string) (Package, bool) {
	for _, p := range m.Packages {
		if p.ID == id {
			return p, true
		}
	}
	return Package{}, false
}

// DefaultDir is where models are kept unless one says otherwise: ivr/models in the user's cache.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("models: no folder for them (%w): name one", err)
	}
	return filepath.Join(cache, "ivr", "models"), nil
}
