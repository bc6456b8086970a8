package console

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, files fs.FS, path string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	register(mux, "/call", "call.html", files, []string{"https://www.example.com"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestPagesRunNoForeignScriptAndAreFramedOnlyWhereAllowed(t *testing.T) {
	files := fstest.MapFS{
		"call.html": {Data: []byte("<title>Call</title>")}, "embed.js": {Data: []byte("{}")}, "assets/call-1.js": {Data: []byte("1")},
		"secret.txt": {Data: []byte("no")},
	}
	for path, want := range map[string]int{
		"/call/": 200, "/call/embed.js": 200, "/call/assets/call-1.js": 200,
		"/call/secret.txt": 404, "/call/assets/../secret.txt": 307, "/call/assets/none.js": 404, "/call/assets/..%2fsecret.txt": 400,
	} {
		w := get(t, files, path)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if policy := w.Header().Get("Content-Security-Policy"); w.Code == 200 &&
			(!strings.Contains(policy, "script-src 'self';") || !strings.HasSuffix(policy, "frame-ancestors 'self' https://www.example.com")) {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestABinaryWithoutItsPagesSaysHowToGetThem(t *testing.T) {
	if w := get(t, fstest.MapFS{}, "/call/"); w.Code != 404 || !strings.Contains(w.Body.String(), "scripts/pages") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The page is to be there within a second: 200 KB of script, compressed, at most.
func TestThePagesAreLight(t *testing.T) {
	scripts, _ := fs.Glob(dist, "dist/assets/*.js")
	if len(scripts) == 0 {
		t.Skip("the pages were not built: scripts/pages")
	}
	var size int
	for _, name := range scripts {
		raw, err := fs.ReadFile(dist, name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(raw)
		z.Close()
		size += b.Len()
	}
	t.Logf("%d octets of script, compressed", size)
	if size > 200<<10 {
		t.Errorf("%d octets of script, compressed", size)
	}
}
