package understand

import (
	"cmp"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// shelf is the folder in which classifiers are kept by the hash of what they were learnt from. It is a cache: what cannot be read is
// learnt anew, what cannot be written is not kept. "" keeps nothing.
type shelf string

// mostKept is how many classifiers stay, those that were used last.
const mostKept = 32

func openShelf(folder string) shelf {
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(cache, "ivr", "understand")
	}
	return shelf(folder)
}

// keyOf names what is learnt from examples, which are in order, by an encoder.
func keyOf(examples []Example, encoder string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s\n", modelVersion, encoder)
	for _, e := range examples {
		fmt.Fprintf(h, "%q %q\n", e.Intent, e.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (s shelf) path(key string) string { return filepath.Join(string(s), key+".gob") }

// load returns nil where there is nothing good.
func (s shelf) load(key string) *model {
	f, err := os.Open(s.path(key))
	if s == "" || err != nil {
		return nil
	}
	defer f.Close()
	m := new(model)
	if gob.NewDecoder(f).Decode(m) != nil {
		return nil
	}
	now := time.Now()
	os.Chtimes(s.path(key), now, now) // it was used
	return m
}

func (s shelf) store(key string, m *model) {
	if s == "" || os.MkdirAll(string(s), 0o700) != nil {
		return
	}
	tmp, err := os.CreateTemp(string(s), key+"-*")
	if err != nil {
		return
	}
	err = gob.NewEncoder(tmp).Encode(m)
	if errors.Join(err, tmp.Close()) != nil || os.Rename(tmp.Name(), s.path(key)) != nil {
		os.Remove(tmp.Name())
		return
	}
	s.prune()
}

// prune removes what was not used for longest.
func (s shelf) prune() {
	paths, _ := filepath.Glob(s.path("*"))
	if len(paths) <= mostKept {
		return
	}
	used := map[string]time.Time{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			used[path] = info.ModTime()
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(used[b].UnixNano(), used[a].UnixNano()) })
	for _, path := range paths[mostKept:] {
		os.Remove(path)
	}
}
