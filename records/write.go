package records

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Save writes c, without card numbers, in place of an earlier record of that ID.
func (s *Store) Save(ctx context.Context, c Call) error {
	if c.ID == "" {
		return fmt.Errorf("records: a call without ID cannot be saved")
	}
	c = redactCall(c)
	if err := s.save(ctx, &c); err != nil {
		return fmt.Errorf("records: save %s: %w", c.ID, err)
	}
	return nil
}

func (s *Store) save(ctx context.Context, c *Call) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, "DELETE FROM calls WHERE id = ?", c.ID); err != nil {
		return err
	}
	r := &c.RTP
	if err := insert(ctx, tx, "calls", c.ID, c.Caller, c.Name, c.Called, c.Bot, stamp(c.Started), stamp(c.Answered),
		stamp(c.Ended), c.Cause, c.Error, c.Mood, c.Recording, c.Message, r.Sent, r.SentLate, r.Received, r.Lost, r.Late,
		r.Duplicate, r.Dropped, r.Bad, r.Jitter.Microseconds(), r.RoundTrip.Microseconds(), r.MOS, r.WorstMOS, r.FarMOS, r.Crypto); err != nil {
		return err
	}
	for n, t := range c.Turns {
		g := t.Gap
		if err := insert(ctx, tx, "turns", c.ID, n, stamp(t.At), t.Who, t.Text, t.Intent, t.Score, t.Outcome, t.Step, t.Anger,
			g.Total.Microseconds(), g.Decided.Microseconds(), g.Recognised.Microseconds(), g.Meant.Microseconds(),
			g.Spoken.Microseconds()); err != nil {
			return err
		}
	}
	for n, h := range c.Handovers {
		tried, err := json.Marshal(h.Tried)
		if err != nil {
			return err
		}
		if err := insert(ctx, tx, "handovers", c.ID, n, stamp(h.At), h.Queue, h.Reason, h.Detail, h.Seat, h.Outcome, h.Brief,
			h.Waited.Microseconds(), h.ToSeat.Microseconds(), string(tried)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// insert writes one row, values in the order of the table's columns.
func insert(ctx context.Context, tx *sql.Tx, table string, values ...any) error {
	marks := slices.Repeat([]byte(", ?"), len(values))[2:]
	_, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s VALUES (%s)", table, marks), values...)
	return err
}

// stamp is a time as it is stored; zero is never.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// redactCall takes card numbers out of all that was said or written down, also those that a caller said in several turns.
func redactCall(c Call) Call {
	c.Turns = slices.Clone(c.Turns)
	said := make([]*string, 0, len(c.Turns)) // by the caller, in order
	for i := range c.Turns {
		if t := &c.Turns[i]; t.Who == "caller" {
			said = append(said, &t.Text)
		} else {
			t.Text = Redact(t.Text)
		}
	}
	redact(said)
	c.Handovers = slices.Clone(c.Handovers)
	for i := range c.Handovers {
		h := &c.Handovers[i]
		redact([]*string{&h.Detail, &h.Brief})
	}
	c.Name, c.Error = Redact(c.Name), Redact(c.Error)
	return c
}
