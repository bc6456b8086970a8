package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Progress is told what is being done, and how many bytes of how many are done. It is called from one goroutine at a time.
type Progress func(doing string, done, total int64)

// Fetch makes the folder good ("" is [DefaultDir]): it fetches the packages of the files that are missing or altered, and puts
// each file in place once its SHA-256 is right. A good folder is left as it is. Two Fetches of one folder wait for each other.
func Fetch(ctx context.Context, dir string, progress Progress) error {
	dir, err := resolve(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	unlock, err := lock(ctx, dir, func() { progress("waiting for another fetch", 0, 0) })
	if err != nil {
		return err
	}
	defer unlock()
	statuses, err := Verify(ctx, dir, false)
	if err != nil {
		return err
	}
	bad := notGood(statuses)
	if len(bad) == 0 {
		return nil
	}
	f := &fetch{dir: dir, manifest: Shipped(), progress: progress}
	return f.mend(ctx, bad)
}

// fetch is one run of Fetch.
type fetch struct {
	dir         string
	manifest    *Manifest
	progress    Progress
	tmp         string // in dir, so that a rename is enough to put a file in place
	done, total int64
}

func (f *fetch) mend(ctx context.Context, bad []Status) (err error) {
	wanted := map[string]bool{}
	for _, s := range bad {
		wanted[s.File.Path] = true
	}
	var packages []Package
	for _, m := range f.manifest.Models {
		p, ok := f.manifest.pkg(m.Package)
		if !ok {
			return fmt.Errorf("models: the manifest has no package %s", m.Package)
		}
		for _, file := range m.Files {
			if wanted[file.Path] {
				f.total += file.Size
				if !slices.Contains(packages, p) {
					packages = append(packages, p)
					f.total += p.Size
				}
			}
		}
	}
	if err := room(f.dir, f.total+f.total/10); err != nil {
		return err
	}
	removeOldAttempts(f.dir)
	if f.tmp, err = os.MkdirTemp(f.dir, attemptPrefix+"*"); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(f.tmp)) }()
	unpacked, err := f.fetchPackages(ctx, packages)
	if err != nil {
		return err
	}
	seen := readSeen(f.dir)
	defer seen.write(f.dir)
	for _, m := range f.manifest.Models {
		for _, file := range m.Files {
			if !wanted[file.Path] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f.put(file, unpacked[m.Package]); err != nil {
				return fmt.Errorf("models: %s of %s: %w", file.Path, m.Package, explain(err))
			}
			if _, err := seen.check(f.dir, file); err != nil {
				return fmt.Errorf("models: %s: %w", file.Path, err)
			}
		}
	}
	return nil
}

// put makes one file, checks it and moves it into place.
func (f *fetch) put(file File, from string) (err error) {
	make, ok := derivations[file.Derive]
	if !ok {
		return fmt.Errorf("the manifest derives it by %q, which is not known", file.Derive)
	}
	tmp, err := os.CreateTemp(f.tmp, "file-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is in place
	hash := sha256.New()
	err = make(from, file.From, io.MultiWriter(tmp, hash))
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != file.SHA256 {
		return fmt.Errorf("its SHA-256 is %s, not %s as the manifest says: what was fetched is not what this program was made for", sum, file.SHA256)
	}
	path := filepath.Join(f.dir, filepath.FromSlash(file.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	f.done += file.Size
	f.progress("unpacking "+file.Path, f.done, f.total)
	return nil
}

const attemptPrefix = ".fetch-"

// removeOldAttempts clears what a killed fetch left. We hold the lock, so nobody else's is there.
func removeOldAttempts(dir string) {
	old, err := filepath.Glob(filepath.Join(dir, attemptPrefix+"*"))
	if err != nil {
		return
	}
	for _, o := range old {
		os.RemoveAll(o)
	}
}

// lock holds dir for one fetch; the kernel lets go when a process dies.
func lock(ctx context.Context, dir string, waiting func()) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("models: the folder cannot be written to: %w", err)
	}
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("models: locking %s: %w", dir, err), f.Close())
		}
		waiting()
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-retry.C:
		}
	}
}

// room fails if the disk has less than need bytes left. Packages are unpacked beside the models.
func room(dir string, need int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil // then the write itself will say
	}
	if free := int64(s.Bavail) * s.Bsize; free < need {
		return fmt.Errorf("models: the disk of %s has %d MB free, fetching needs %d MB: make room or choose another folder with --dir",
			dir, free>>20, need>>20)
	}
	return nil
}

// explain adds to errors that a person can do something about.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: make room or choose another folder with --dir: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("may not write there: choose another folder with --dir: %w", err)
	}
	return err
}

// watch reports the growth of a folder until stop is called, which waits for the last report. Success counts it as limit.
func (f *fetch) watch(folder string, limit int64, doing string) (stop func(error)) {
	end, ended := make(chan struct{}), make(chan struct{})
	base := folderSize(folder)
	go func() {
		defer close(ended)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			f.progress(doing, f.done+min(folderSize(folder)-base, limit), f.total)
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	return func(err error) {
		close(end)
		<-ended
		if err == nil {
			f.done += limit
			f.progress(doing, f.done, f.total)
		}
	}
}

func folderSize(folder string) (n int64) {
	filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil // what vanishes while we look does not count
	})
	return n
}

// firstWords is the beginning of what a failed program complained of.
func firstWords(output []byte) string {
	var lines []string
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "npm error"))
		if line != "" && !strings.HasPrefix(line, "npm warn") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[:min(4, len(lines))], "; ")
}
