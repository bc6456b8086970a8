package models

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheManifestIsWhole(t *testing.T) {
	m := Shipped()
	used, paths := map[string]bool{}, map[string]bool{}
	for _, model := range m.Models {
		if _, ok := m.pkg(model.Package); !ok || model.Licence == "" || model.What == "" {
			t.Errorf("%s: package, licence or description is missing", model.Name)
		}
		used[model.Package] = true
		for _, f := range model.Files {
			if len(f.SHA256) != 64 || f.Size <= 0 || derivations[f.Derive] == nil || paths[f.Path] || !filepath.IsLocal(f.Path) {
				t.Errorf("%+v is not right", f)
			}
			if !strings.HasPrefix(f.Path, model.Name+"/") {
				t.Errorf("%s lies outside its model's folder", f.Path)
			}
			paths[f.Path] = true
		}
	}
	for _, p := range m.Packages {
		if registry, name, version := p.split(); name == "" || version == "" || registry == "go" && !strings.HasPrefix(p.Sum, "h1:") || !used[p.ID] {
			t.Errorf("%+v is not right", p)
		}
	}
}

func TestTheLockFileHasTheManifestsVersionsAndNoAddresses(t *testing.T) {
	data, err := npmFiles.ReadFile("npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	for _, p := range Shipped().Packages {
		registry, name, version := p.split()
		if registry != "npm" {
			continue
		}
		if l := lock.Packages["node_modules/"+name]; l.Version != version || !strings.HasPrefix(l.Integrity, "sha512-") {
			t.Errorf("%s is %+v in the lock file", p.ID, l)
		}
	}
	if bytes.Contains(data, []byte("://")) || bytes.Contains(manifestJSON, []byte("://")) {
		t.Error("an address is written down")
	}
}

func TestAFolderThatIsNotGoodIsOneErrorWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	var bad *FolderError
	if !errors.As(err, &bad) || bad.Dir != dir || len(bad.Bad) < 20 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"moonshine-tiny/encoder_model.onnx is missing", "more", "ivr models fetch --dir " + dir} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

// small is a file of the manifest that a test can make.
func small(t *testing.T) File {
	for _, m := range Shipped().Models {
		for _, f := range m.Files {
			if f.Path == "piper-jenny/MODEL_CARD" {
				return f
			}
		}
	}
	t.Fatal("no such file")
	return File{}
}

func TestAFileOfTheRightSizeAndOtherContentIsAltered(t *testing.T) {
	dir, f := t.TempDir(), small(t)
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	state := func(deep bool) State {
		statuses, err := Verify(t.Context(), dir, deep)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statuses {
			if s.File.Path == f.Path {
				return s.State
			}
		}
		return ""
	}
	for content, want := range map[string]State{strings.Repeat("x", int(f.Size)): Altered, "short": Altered} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := state(false); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := state(true); got != Missing {
		t.Errorf("%s", got)
	}
}

func TestAVerifiedFileIsNotReadAgainUnlessAskedTo(t *testing.T) {
	dir, content := t.TempDir(), "content"
	f := File{Path: "a/b", Size: int64(len(content)), SHA256: "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"}
	path := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	seen := readSeen(dir)
	if s, err := seen.check(dir, f); s != Good || err != nil {
		t.Fatal(s, err)
	}
	seen.write(dir)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if s, _ := readSeen(dir).check(dir, f); s != Good {
		t.Errorf("read again: %s", s)
	}
	if s, _ := new(seenFiles).check(dir, f); s != Altered {
		t.Errorf("a deep look says %s", s)
	}
	if err := os.WriteFile(filepath.Join(dir, seenName), []byte("{broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, _ := readSeen(dir).check(dir, f); s != Altered {
		t.Errorf("with a broken memory: %s", s)
	}
}

func TestFetchingEndsWithItsContextAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if err := Fetch(ctx, dir, nil); !errors.Is(err, gone) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, attemptPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestAFetchWaitsForAnother(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), dir, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, dir, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
	again, err := lock(t.Context(), dir, func() { t.Error("waited for one who had finished") })
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestAFolderThatCannotBeMadeIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Fetch(t.Context(), filepath.Join(file, "models"), nil); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("got %v", err)
	}
}

func derive(t *testing.T, how string, files map[string]string, from string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	err := derivations[how](dir, from, &out)
	return out.String(), err
}

const voiceJSON = `{"audio":{"sample_rate":22050},"espeak":{"voice":"en-gb"},"phoneme_id_map":{"a":[2],"_":[0],"^":[1]}}`

func TestAVoiceIsToldWhatItIs(t *testing.T) {
	got, err := derive(t, "piper-metadata", map[string]string{"voice.onnx": "MODEL", "voice.json": voiceJSON}, "voice.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "MODEL\x72\x12\n\nmodel_type\x12\x04vits") || !strings.Contains(got, "\n\x05voice\x12\x05en-gb") ||
		!strings.Contains(got, "\n\x0bsample_rate\x12\x0522050") {
		t.Errorf("got %q", got)
	}
	tokens, err := derive(t, "piper-tokens", map[string]string{"voice.json": voiceJSON}, "voice.json")
	if err != nil || tokens != "_ 0\n^ 1\na 2\n" {
		t.Errorf("got %q, %v", tokens, err)
	}
	for _, broken := range []string{"", "{}", "{", `{"audio":{"sample_rate":1}}`} {
		if _, err := derive(t, "piper-tokens", map[string]string{"voice.json": broken}, "voice.json"); err == nil {
			t.Errorf("%q is taken for a voice", broken)
		}
	}
	if _, err := derive(t, "piper-tokens", nil, "voice.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestTheVocabularyHasALineForEveryID(t *testing.T) {
	source := `const llama_vocab_base64 = "` + base64.StdEncoding.EncodeToString([]byte("<unk>\n▁the")) + `"`
	got, err := derive(t, "moonshine-tokens", map[string]string{"t.js": source}, "t.js")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != moonshineIDs || lines[0] != "PHVuaz4= 0" || lines[1] != "4paBdGhl 1" || lines[2] != "PDxTVF8yPj4= 2" {
		t.Errorf("%d lines, %q", len(lines), lines[:3])
	}
	if _, err := derive(t, "moonshine-tokens", map[string]string{"t.js": "nothing"}, "t.js"); err == nil {
		t.Error("no error")
	}
}

func TestWhatAFailedProgramSaidIsPassedOnWithAHint(t *testing.T) {
	said := "npm warn old\nnpm error code ENOTFOUND\nnpm error\nnpm error errno ENOTFOUND\n"
	if got := firstWords([]byte(said)); got != "code ENOTFOUND; errno ENOTFOUND" {
		t.Errorf("got %q", got)
	}
	if offlineHint(said) == "" || offlineHint("out of memory") != "" {
		t.Error("the hint is given at the wrong time")
	}
}
