package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of [Store]; what it returns matches them with errors.Is and says more.
var (
	ErrNotFound  = errors.New("no such call")
	ErrAmbiguous = errors.New("more than one call begins with that")
	ErrFull      = errors.New("records: too many calls wait to be written")
	ErrClosed    = errors.New("records: the writer has ended")
)

// queueLength is how many calls may wait for a slow disk: at 10 calls a second, more than a minute.
const queueLength = 1024

// busyTimeout is how long one process waits for another.
const busyTimeout = 5 * time.Second

// flushLimit is how long what is queued at the end may take to write.
const flushLimit = 10 * time.Second

// Store is the file of all calls.
type Store struct {
	db    *sql.DB
	queue chan Call

	mu    sync.Mutex
	ended bool // nothing may be queued any more
}

// Open opens the file, or makes it with its folder, readable by its owner alone, and brings it up to date. It may be open in
// several processes.
func Open(path string) (*Store, error) {
	if err := prepare(path); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := patiently(func() error { return migrate(db) }); err != nil {
		return nil, errors.Join(fmt.Errorf("records: %s: %w", path, err), db.Close())
	}
	return &Store{db: db, queue: make(chan Call, queueLength)}, nil
}

// dsn names the file and how each connection to it is set up. With WAL and synchronous NORMAL a power cut can lose the last
// calls, and never harms the file.
func dsn(path string) string {
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
	}}
	return "file:" + url.PathEscape(path) + "?" + options.Encode()
}

// prepare makes the folder and the file with their permissions: SQLite takes those of the file for its journals.
func prepare(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// patiently tries again while another process is making the file: the change to WAL does not wait as everything else does
// (SQLite, busy_timeout).
func patiently(do func() error) error {
	for deadline := time.Now().Add(busyTimeout); ; time.Sleep(10 * time.Millisecond) {
		err := do()
		var failed *sqlite.Error
		if !errors.As(err, &failed) || failed.Code()&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
			return err
		}
	}
}

// Close closes the file. Run must have returned.
func (s *Store) Close() error { return s.db.Close() }

// Keep hands a call to the writer and never waits: [ErrFull], [ErrClosed].
func (s *Store) Keep(c Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrClosed
	}
	select {
	case s.queue <- c:
		return nil
	default:
		return ErrFull
	}
}

// Run writes what is kept until ctx is done and everything queued by then is written. What cannot be written is told to
// failed, from this goroutine.
func (s *Store) Run(ctx context.Context, failed func(Call, error)) {
	for {
		select {
		case c := <-s.queue:
			s.write(context.WithoutCancel(ctx), c, failed)
		case <-ctx.Done():
			s.flush(context.WithoutCancel(ctx), failed)
			return
		}
	}
}

func (s *Store) write(ctx context.Context, c Call, failed func(Call, error)) {
	if err := s.Save(ctx, c); err != nil {
		failed(c, err)
	}
}

// flush takes no more calls and writes the last.
func (s *Store) flush(ctx context.Context, failed func(Call, error)) {
	s.mu.Lock()
	s.ended = true
	close(s.queue)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	for c := range s.queue {
		s.write(ctx, c, failed)
	}
}
