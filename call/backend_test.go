package call

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ivr/dialog"
)

func TestAFetchSendsJSONAndHeadersAndReturnsStatusAndBody(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent map[string]any
		json.Unmarshal(body, &sent)
		if r.Method != "POST" || sent["day"] != "2026-11-26" || r.Header.Get("Authorization") != "Bearer s3cret" {
			t.Errorf("got %s %s with Authorization %q", r.Method, body, r.Header.Get("Authorization"))
		}
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"error":"no delivery that day"}`)
	}))
	defer srv.Close()
	b := &HTTPBackend{Getenv: func(name string) string { return map[string]string{"TOKEN": "s3cret"}[name] }}
	got := b.Fetch(t.Context(), dialog.Fetch{
		ID: "book", Method: "POST", URL: srv.URL, Body: map[string]any{"day": "2026-11-26"},
		Headers: map[string]string{"Authorization": "Bearer ${TOKEN}"}, Timeout: time.Second, Tries: 3,
	})
	if got.Err != "" || got.Status != 409 || got.Body["error"] != "no delivery that day" || got.ID != "book" {
		t.Errorf("got %+v", got)
	}
}

func TestAFetchTriesAgainWithTheSameKeyUntilTheBackEndIsBack(t *testing.T) {
	var tries atomic.Int32
	keys := make(chan string, 3)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		if tries.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		io.WriteString(w, `{"ok":true}`)
	}))
	defer srv.Close()
	got := (&HTTPBackend{}).Fetch(t.Context(), dialog.Fetch{ID: "a", Method: "GET", URL: srv.URL, Tries: 3, Timeout: time.Second})
	if got.Err != "" || got.Body["ok"] != true || tries.Load() != 3 {
		t.Errorf("got %+v after %d tries", got, tries.Load())
	}
	if a, b, c := <-keys, <-keys, <-keys; a == "" || a != b || b != c {
		t.Errorf("keys %q, %q, %q: want the same for every try", a, b, c)
	}
}

func TestABackEndThatHangsFailsInItsTimeWithoutNamingTheURL(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	got := (&HTTPBackend{}).Fetch(t.Context(),
		dialog.Fetch{ID: "parcel", Method: "GET", URL: srv.URL + "/4512?secret=1", Tries: 2, Timeout: 30 * time.Millisecond})
	if got.Err != "parcel: no answer within 30ms, tried 2 times" {
		t.Errorf("got %q", got.Err)
	}
}

func TestWhatABackEndGetsWrongIsAnErrorInWords(t *testing.T) {
	for name, c := range map[string]struct {
		answer, want string
	}{
		"not JSON": {"<html>", "not a JSON object"},
		"a list":   {"[1]", "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.answer) }))
			defer srv.Close()
			got := (&HTTPBackend{}).Fetch(t.Context(), dialog.Fetch{ID: "a", Method: "GET", URL: srv.URL, Timeout: time.Second})
			if !strings.Contains(got.Err, c.want) {
				t.Errorf("got %q, want %q in it", got.Err, c.want)
			}
		})
	}
	if got := (&HTTPBackend{}).Fetch(t.Context(), dialog.Fetch{ID: "a", Method: "GET", URL: "://x"}); !strings.Contains(got.Err, "not a URL") {
		t.Errorf("got %q", got.Err)
	}
}

func TestAFetchEndsWithItsCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := (&HTTPBackend{}).Fetch(ctx, dialog.Fetch{ID: "a", Method: "GET", URL: "http://127.0.0.1:1", Tries: 5})
	if got.Err == "" {
		t.Error("want an error")
	}
}

func TestABackEndThatKeepsRefusingIsAFailureWithItsStatus(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer srv.Close()
	got := (&HTTPBackend{}).Fetch(t.Context(), dialog.Fetch{ID: "a", Method: "GET", URL: srv.URL, Tries: 2, Timeout: time.Second})
	if got.Status != http.StatusServiceUnavailable || got.Err != "a: status 503, tried 2 times" {
		t.Errorf("got %+v", got)
	}
}
