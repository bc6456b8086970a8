package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Refusal is what we did not serve of one source for one reason, added up.
type Refusal struct {
	Trunk       string // that the source is; "": none
	Source      netip.Addr
	Reason      string
	Setting     string // that decides it: a key of the configuration, or words
	What        string // the last one: a method, a start line, or what is wrong with it; "": it was not looked at
	Count       int
	First, Last time.Time
}

// ledgerRows are kept, at 200 bytes or so each: a flood with made-up sources must not cost more.
const ledgerRows = 256

// ledger remembers refusals.
type ledger struct {
	mu   sync.Mutex
	rows map[ledgerKey]*Refusal
}

type ledgerKey struct {
	trunk  string
	source netip.Addr
	reason string
}

func newLedger() *ledger { return &ledger{rows: map[ledgerKey]*Refusal{}} }

func (l *ledger) note(r Refusal, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := ledgerKey{r.Trunk, r.Source, r.Reason}
	row := l.rows[key]
	if row == nil {
		if len(l.rows) >= ledgerRows {
			l.forget()
		}
		fresh := r // only a new row is worth memory
		fresh.First = now
		row = &fresh
		l.rows[key] = row
	}
	row.Count++
	row.Last, row.What = now, r.What
}

// forget drops half of the rows: those of no trunk first, and of these the oldest.
func (l *ledger) forget() {
	keys := make([]ledgerKey, 0, len(l.rows))
	for k := range l.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b ledgerKey) int {
		if known := (a.trunk != ""); known != (b.trunk != "") {
			if known {
				return 1
			}
			return -1
		}
		return l.rows[a].Last.Compare(l.rows[b].Last)
	})
	for _, k := range keys[:len(keys)/2] {
		delete(l.rows, k)
	}
}

// Refusals lists what we did not serve lately, the last first.
func (ua *UA) Refusals() []Refusal {
	l := ua.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Refusal, 0, len(l.rows))
	for _, r := range l.rows {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Reason, b.Reason), a.Source.Compare(b.Source))
	})
	return all
}
