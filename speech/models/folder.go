package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// State of one file of a folder.
type State string

const (
	Good    State = "good"
	Missing State = "missing"
	Altered State = "altered"
)

// Status of one file of a folder.
type Status struct {
	File  File
	State State
	Err   error // why it could not be read; its State is Altered
}

// Set is a folder whose files were all found good.
type Set struct{ dir string }

// Path of a file of the manifest, "moonshine-base/encoder_model.onnx".
func (s *Set) Path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// Dir is the folder.
func (s *Set) Dir() string { return s.dir }

// A FolderError says what is wrong with a models folder and how to mend it. It is always a pointer.
type FolderError struct {
	Dir string
	Bad []Status
}

func (e *FolderError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the speech models in %s are not complete: ", e.Dir)
	const shown = 6
	for i, s := range e.Bad {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(e.Bad)-shown)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s is %s", s.File.Path, s.State)
		if s.Err != nil {
			fmt.Fprintf(&b, " (%v)", s.Err)
		}
	}
	fmt.Fprintf(&b, ". Mend it with: ivr models fetch%s", e.dirFlag())
	return b.String()
}

func (e *FolderError) dirFlag() string {
	if usual, err := DefaultDir(); err == nil && usual == e.Dir {
		return ""
	}
	return " --dir " + e.Dir
}

// Open verifies the folder ("" is [DefaultDir]). What was verified before and has kept size and time is taken as good:
// see [Verify] for a thorough look. The error of a folder that is not good is a *[FolderError].
func Open(dir string) (*Set, error) {
	dir, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	statuses, err := Verify(context.Background(), dir, false)
	if err != nil {
		return nil, err
	}
	if bad := notGood(statuses); len(bad) > 0 {
		return nil, &FolderError{Dir: dir, Bad: bad}
	}
	return &Set{dir: dir}, nil
}

func resolve(dir string) (string, error) {
	if dir == "" {
		return DefaultDir()
	}
	return filepath.Abs(dir)
}

func notGood(all []Status) (bad []Status) {
	for _, s := range all {
		if s.State != Good {
			bad = append(bad, s)
		}
	}
	return bad
}

// Verify looks at every file of the manifest. Deep reads and hashes each; otherwise a file that was hashed before and has kept
// its size and time is not read again.
func Verify(ctx context.Context, dir string, deep bool) ([]Status, error) {
	dir, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	seen := readSeen(dir)
	if deep {
		seen = &seenFiles{}
	}
	var statuses []Status
	for _, m := range Shipped().Models {
		for _, f := range m.Files {
			statuses = append(statuses, Status{File: f})
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range statuses {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			statuses[i].State, statuses[i].Err = seen.check(dir, statuses[i].File)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	seen.write(dir)
	return statuses, nil
}

// seenFiles remembers which files were hashed and found good, so that a start does not read 250 MB.
type seenFiles struct {
	mu      sync.Mutex
	Files   map[string]stamp `json:"files"`
	changed bool
}

type stamp struct {
	Size    int64     `json:"size"`
	ModTime time.Time `json:"mod_time"`
	SHA256  string    `json:"sha256"`
}

const seenName = ".verified.json"

// readSeen reads what was remembered. A broken or missing memory is no memory.
func readSeen(dir string) *seenFiles {
	seen := new(seenFiles)
	data, err := os.ReadFile(filepath.Join(dir, seenName))
	if err != nil || json.Unmarshal(data, seen) != nil {
		return new(seenFiles)
	}
	return seen
}

// write keeps the memory if it can: in a folder we may not write to, every start hashes anew.
func (s *seenFiles) write(dir string) {
	if !s.changed {
		return
	}
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return
	}
	tmp, err := os.CreateTemp(dir, seenName+"-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(data)
	if errors.Join(err, tmp.Close()) != nil || os.Rename(tmp.Name(), filepath.Join(dir, seenName)) != nil {
		os.Remove(tmp.Name())
	}
}

func (s *seenFiles) check(dir string, f File) (State, error) {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing, nil
	case err != nil:
		return Altered, err
	case info.Size() != f.Size:
		return Altered, nil
	}
	now := stamp{Size: info.Size(), ModTime: info.ModTime().UTC(), SHA256: f.SHA256}
	s.mu.Lock()
	known := s.Files[f.Path] == now
	s.mu.Unlock()
	if known {
		return Good, nil
	}
	sum, err := hashFile(path)
	if err != nil || sum != f.SHA256 {
		return Altered, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Files == nil {
		s.Files = map[string]stamp{}
	}
	s.Files[f.Path], s.changed = now, true
	return Good, nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
