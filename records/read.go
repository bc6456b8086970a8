package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Filter says which calls to list; zero fields do not matter.
type Filter struct {
	Since   time.Time // that started then or later
	Cause   string    // of the end
	Reason  string    // of a hand-over
	Outcome string    // of a hand-over
	Caller  string    // number
	Limit   int       // the newest; 0: all
}

// List returns calls, the newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Call, error) {
	query, args := f.query()
	calls, err := rows(ctx, s.db, scanCall, query, args...)
	for i := range calls {
		err = errors.Join(err, s.complete(ctx, &calls[i]))
	}
	if err != nil {
		return nil, fmt.Errorf("records: list: %w", err)
	}
	return calls, nil
}

func (f Filter) query() (query string, args []any) {
	query = "SELECT * FROM calls WHERE true"
	and := func(condition string, arg any) {
		query += " AND " + condition
		args = append(args, arg)
	}
	if !f.Since.IsZero() {
		and("started >= ?", stamp(f.Since))
	}
	if f.Cause != "" {
		and("cause = ?", f.Cause)
	}
	if f.Caller != "" {
		and("caller = ?", f.Caller)
	}
	if f.Reason != "" {
		and("id IN (SELECT call_id FROM handovers WHERE reason = ?)", f.Reason)
	}
	if f.Outcome != "" {
		and("id IN (SELECT call_id FROM handovers WHERE outcome = ?)", f.Outcome)
	}
	query += " ORDER BY started DESC, id"
	if f.Limit > 0 {
		query += " LIMIT ?"
		args = append(args, f.Limit)
	}
	return query, args
}

// Get returns the call of that ID, or the only one whose ID begins so: [ErrNotFound], [ErrAmbiguous].
func (s *Store) Get(ctx context.Context, id string) (Call, error) {
	const most = 5 // named when it is ambiguous
	calls, err := rows(ctx, s.db, scanCall,
		"SELECT * FROM calls WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, started DESC LIMIT ?2", id, most)
	switch {
	case err != nil:
		return Call{}, fmt.Errorf("records: get %s: %w", id, err)
	case len(calls) == 0 || id == "":
		return Call{}, fmt.Errorf("%w: %q", ErrNotFound, id)
	case len(calls) > 1 && calls[0].ID != id:
		var ids []string
		for _, c := range calls {
			ids = append(ids, c.ID)
		}
		return Call{}, fmt.Errorf("%w: %q: %s", ErrAmbiguous, id, strings.Join(ids, ", "))
	}
	if err := s.complete(ctx, &calls[0]); err != nil {
		return Call{}, fmt.Errorf("records: get %s: %w", id, err)
	}
	return calls[0], nil
}

// complete adds the turns and hand-overs.
func (s *Store) complete(ctx context.Context, c *Call) (err error) {
	if c.Turns, err = rows(ctx, s.db, scanTurn, "SELECT * FROM turns WHERE call_id = ? ORDER BY n", c.ID); err != nil {
		return err
	}
	c.Handovers, err = rows(ctx, s.db, scanHandover, "SELECT * FROM handovers WHERE call_id = ? ORDER BY n", c.ID)
	return err
}

// rows runs a query and scans each row.
func rows[T any](ctx context.Context, db *sql.DB, scan func(*sql.Rows) (T, error), query string, args ...any) (all []T, err error) {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		one, err := scan(r)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, r.Err()
}

func scanCall(rows *sql.Rows) (c Call, err error) {
	r := &c.RTP
	err = rows.Scan(&c.ID, &c.Caller, &c.Name, &c.Called, &c.Bot, unstamp{&c.Started}, unstamp{&c.Answered},
		unstamp{&c.Ended}, &c.Cause, &c.Error, &c.Mood, &c.Recording, &c.Message, &r.Sent, &r.SentLate, &r.Received, &r.Lost,
		&r.Late, &r.Duplicate, &r.Dropped, &r.Bad, micros{&r.Jitter}, micros{&r.RoundTrip}, &r.MOS, &r.WorstMOS, &r.FarMOS, &r.Crypto)
	return c, err
}

func scanTurn(rows *sql.Rows) (t Turn, err error) {
	g := &t.Gap
	err = rows.Scan(new(string), new(int), unstamp{&t.At}, &t.Who, &t.Text, &t.Intent, &t.Score, &t.Outcome, &t.Step, &t.Anger,
		micros{&g.Total}, micros{&g.Decided}, micros{&g.Recognised}, micros{&g.Meant}, micros{&g.Spoken})
	return t, err
}

func scanHandover(rows *sql.Rows) (h Handover, err error) {
	var tried []byte
	err = rows.Scan(new(string), new(int), unstamp{&h.At}, &h.Queue, &h.Reason, &h.Detail, &h.Seat, &h.Outcome, &h.Brief,
		micros{&h.Waited}, micros{&h.ToSeat}, &tried)
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(tried, &h.Tried)
}

// unstamp and micros scan stored times and durations.
type (
	unstamp struct{ t *time.Time }
	micros  struct{ d *time.Duration }
)

// Scan implements [sql.Scanner].
func (u unstamp) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*u.t = time.Time{}
	if us != 0 {
		*u.t = time.UnixMicro(us)
	}
	return nil
}

// Scan implements [sql.Scanner].
func (m micros) Scan(v any) error {
	us, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", v)
	}
	*m.d = time.Duration(us) * time.Microsecond
	return nil
}
