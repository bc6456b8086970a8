package main

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed parcels.csv fees.csv
var data embed.FS

const schema = `
CREATE TABLE IF NOT EXISTS parcels (
	number TEXT PRIMARY KEY, status TEXT NOT NULL, day INTEGER NOT NULL, window TEXT NOT NULL, place TEXT NOT NULL,
	recipient TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS fees (
	country TEXT NOT NULL, up_to_kg INTEGER NOT NULL, price_pence INTEGER NOT NULL, PRIMARY KEY (country, up_to_kg)
) STRICT;
CREATE TABLE IF NOT EXISTS bookings (
	reference INTEGER PRIMARY KEY, number TEXT NOT NULL, day TEXT NOT NULL, key TEXT UNIQUE
) STRICT;
DELETE FROM parcels;
DELETE FROM fees;`

// Errors of [Depot]: what a caller may be told.
var (
	ErrUnknown  = errors.New("unknown parcel")
	ErrRefused  = errors.New("the parcel cannot be delivered again")
	ErrDay      = errors.New("no delivery on that day")
	ErrKeyReuse = errors.New("the Idempotency-Key was used for another booking")
	ErrNoPrice  = errors.New("no price for that")
)

// Parcel is where one parcel is.
type Parcel struct {
	Number    string `json:"number"`
	Status    string `json:"status"`
	Place     string `json:"place"`
	Expected  string `json:"expected"` // YYYY-MM-DD; of a delivered one when that was
	Window    string `json:"window"`   // in words, "" unknown
	Recipient string `json:"recipient"`
}

// Booking is a day agreed for another delivery.
type Booking struct {
	Number    string `json:"number"`
	Day       string `json:"day"`
	Reference string `json:"reference"`
}

// firstReference is the number of the first booking.
const firstReference = 1234

// bookableDays is how far ahead a delivery can be booked.
const bookableDays = 14

// Depot has the parcels. Their days are counted from now's.
type Depot struct {
	db  *sql.DB
	now func() time.Time
}

// OpenDepot reads the data into the file at path, or into memory for "". Bookings in the file stay.
func OpenDepot(path string, now func() time.Time) (*Depot, error) {
	if path == "" {
		path = ":memory:"
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // in memory, each connection is a database of its own
	_, err = db.Exec(schema)
	for _, table := range []string{"parcels", "fees"} {
		if err == nil {
			err = load(db, table)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot prepare the data in %s: %w", path, err), db.Close())
	}
	return &Depot{db: db, now: now}, nil
}

// load fills a table from its file, whose first line names the columns.
func load(db *sql.DB, table string) error {
	text, err := data.ReadFile(table + ".csv")
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	lines, err := r.ReadAll()
	if err != nil {
		return fmt.Errorf("%s.csv: %w", table, err)
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s)", table, strings.Join(lines[0], ", "),
		strings.Repeat(", ?", len(lines[0])-1))
	for _, line := range lines[1:] {
		values := make([]any, len(line))
		for i, v := range line {
			values[i] = v
		}
		if _, err := db.Exec(insert, values...); err != nil {
			return fmt.Errorf("%s.csv: %s: %w", table, line[0], err)
		}
	}
	return nil
}

// Close closes the file.
func (d *Depot) Close() error { return d.db.Close() }

// Healthy reports why the data cannot be read.
func (d *Depot) Healthy(ctx context.Context) error { return d.db.PingContext(ctx) }

// today at midnight UTC: only its date counts.
func (d *Depot) today() time.Time {
	y, m, day := d.now().Date()
	return time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
}

// Parcel finds one: [ErrUnknown].
func (d *Depot) Parcel(ctx context.Context, number string) (p Parcel, err error) {
	today := d.today()
	var offset int
	err = d.db.QueryRowContext(ctx, "SELECT number, status, day, window, place, recipient FROM parcels WHERE number = ?", number).
		Scan(&p.Number, &p.Status, &offset, &p.Window, &p.Place, &p.Recipient)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrUnknown
	}
	if err != nil {
		return p, err
	}
	p.Expected = workday(today, offset).Format(time.DateOnly)
	var booked string
	err = d.db.QueryRowContext(ctx, "SELECT day FROM bookings WHERE number = ? ORDER BY reference DESC LIMIT 1", number).Scan(&booked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return p, nil
	case err == nil && booked >= today.Format(time.DateOnly):
		p.Status, p.Expected, p.Window = "in_transit", booked, "between eight in the morning and six in the evening"
	}
	return p, err
}

// workday is offset days from today, moved on from a Sunday, or back when it is past.
func workday(today time.Time, offset int) time.Time {
	day := today.AddDate(0, 0, offset)
	if offset != 0 && day.Weekday() == time.Sunday {
		step := 1
		if offset < 0 {
			step = -1
		}
		day = day.AddDate(0, 0, step)
	}
	return day
}

// Book agrees on a day for another delivery: [ErrUnknown], [ErrRefused], [ErrDay], [ErrKeyReuse]. The same key, or the same
// day again, gives the same booking.
func (d *Depot) Book(ctx context.Context, number, day, key string) (Booking, error) {
	p, err := d.Parcel(ctx, number)
	if err != nil {
		return Booking{}, err
	}
	if b, err := d.booked(ctx, "key = ?", key); err == nil {
		if b.Number != number || b.Day != day {
			return Booking{}, ErrKeyReuse
		}
		return b, nil
	}
	switch p.Status {
	case "delivered", "lost", "customs":
		return Booking{}, fmt.Errorf("%w: it is %s", ErrRefused, map[string]string{
			"delivered": "delivered", "lost": "lost", "customs": "with customs"}[p.Status])
	}
	if err := d.bookable(day); err != nil {
		return Booking{}, err
	}
	if b, err := d.booked(ctx, "number = ? AND day = ?", number, day); err == nil {
		return b, nil
	}
	_, err = d.db.ExecContext(ctx, `INSERT INTO bookings (reference, number, day, key)
		SELECT coalesce(max(reference) + 1, ?), ?, ?, nullif(?, '') FROM bookings`, firstReference, number, day, key)
	if err != nil {
		return Booking{}, err
	}
	return d.booked(ctx, "number = ? AND day = ?", number, day)
}

// booked finds the booking for which a condition holds.
func (d *Depot) booked(ctx context.Context, condition string, args ...any) (b Booking, err error) {
	var reference int
	err = d.db.QueryRowContext(ctx, "SELECT number, day, reference FROM bookings WHERE "+condition+" ORDER BY reference DESC", args...).
		Scan(&b.Number, &b.Day, &reference)
	b.Reference = fmt.Sprintf("R%d", reference)
	return b, err
}

// bookable says why not.
func (d *Depot) bookable(text string) error {
	day, err := time.Parse(time.DateOnly, text)
	today := d.today()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %q is not a day as 2026-03-21", ErrDay, text)
	case !day.After(today):
		return fmt.Errorf("%w: tomorrow is the first", ErrDay)
	case day.After(today.AddDate(0, 0, bookableDays)):
		return fmt.Errorf("%w: two weeks ahead is the last", ErrDay)
	case day.Weekday() == time.Sunday:
		return fmt.Errorf("%w: it is a Sunday", ErrDay)
	}
	return nil
}

// Price of sending kg to a country, in pence: [ErrNoPrice].
func (d *Depot) Price(ctx context.Context, country string, kg float64) (pence int, err error) {
	if kg <= 0 {
		return 0, ErrNoPrice
	}
	err = d.db.QueryRowContext(ctx, "SELECT price_pence FROM fees WHERE country = ? AND up_to_kg >= ? ORDER BY up_to_kg LIMIT 1",
		country, kg).Scan(&pence)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoPrice
	}
	return pence, err
}
