package call

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"ivr/dialog"
)

// maxAnswer bounds what is read of a back end's answer.
const maxAnswer = 1 << 20

// HTTPBackend performs a bot's [dialog.Fetch]es. The zero value uses the process environment for ${NAME} in headers.
type HTTPBackend struct {
	Client  *http.Client        // nil: http.DefaultClient; the time-out of a try comes from the Fetch
	Getenv  func(string) string // nil: os.Getenv
	Metrics *Metrics            // optional
}

// Fetch tries a request up to req.Tries times, with a growing pause, until there is an answer that another try would not
// change: below 500 and not 429. All tries of one Fetch carry the same Idempotency-Key, so that a booking is made once.
func (b *HTTPBackend) Fetch(ctx context.Context, req dialog.Fetch) dialog.Fetched {
	key := rand.Text()
	began := time.Now()
	tries := max(1, req.Tries)
	var err error
	for try := range tries {
		if try > 0 && !pause(ctx, time.Duration(try)*200*time.Millisecond) {
			break
		}
		var res dialog.Fetched
		if res, err = b.try(ctx, req, key); err == nil {
			b.Metrics.fetched(time.Since(began), "answered")
			return res
		}
	}
	b.Metrics.fetched(time.Since(began), "failed")
	failed := dialog.Fetched{ID: req.ID, Err: fmt.Sprintf("%s: %v, tried %d times", req.ID, err, tries)}
	if refused := (statusError)(0); errors.As(err, &refused) {
		failed.Status = int(refused)
	}
	return failed
}

// statusError is an answer that another try may change.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("status %d", int(e))
}

// try is one request. Its error never carries the query or the headers: they may hold private data.
func (b *HTTPBackend) try(ctx context.Context, req dialog.Fetch, key string) (dialog.Fetched, error) {
	if req.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, req.Timeout)
		defer cancel()
	}
	r, err := b.request(ctx, req, key)
	if err != nil {
		return dialog.Fetched{}, err
	}
	client := b.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return dialog.Fetched{}, plain(err, req.Timeout)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return dialog.Fetched{}, statusError(resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return dialog.Fetched{}, plain(err, req.Timeout)
	}
	res := dialog.Fetched{ID: req.ID, Status: resp.StatusCode}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &res.Body); err != nil {
			return dialog.Fetched{}, errors.New("the answer is not a JSON object")
		}
	}
	return res, nil
}

func (b *HTTPBackend) request(ctx context.Context, req dialog.Fetch, key string) (*http.Request, error) {
	var body io.Reader
	if req.Body != nil {
		data, err := json.Marshal(req.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, req.Method, req.URL, body)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	getenv := b.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	for name, value := range req.Headers {
		r.Header.Set(name, os.Expand(value, getenv))
	}
	return r, nil
}

// plain says what went wrong without the URL.
func plain(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", timeout)
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// pause waits and reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
