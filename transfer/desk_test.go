package transfer

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

func seats(ids ...string) (all []Seat) {
	for _, id := range ids {
		all = append(all, Seat{ID: id, Address: "sip:" + id + "@127.0.0.1:5070"})
	}
	return all
}

func newDesk(t *testing.T, cfg Config) *Desk {
	t.Helper()
	d, err := NewDesk(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// one is a desk with one queue.
func one(t *testing.T, tiers ...[]string) *Desk {
	t.Helper()
	var ids []string
	for _, tier := range tiers {
		ids = append(ids, tier...)
	}
	return newDesk(t, Config{Queues: []Queue{{Name: "parcels", Tiers: tiers}}, Seats: seats(ids...)})
}

func reserve(t *testing.T, d *Desk, now time.Time, tk *Ticket) string {
	t.Helper()
	s, err := d.Reserve(now, tk)
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

func waits(t *testing.T, d *Desk, now time.Time, tk *Ticket) {
	t.Helper()
	if s, err := d.Reserve(now, tk); !errors.Is(err, ErrWait) {
		t.Fatalf("got seat %q, error %v; want to wait", s.ID, err)
	}
}

func told(tk *Ticket) bool {
	select {
	case <-tk.Ready():
		return true
	default:
		return false
	}
}

func state(d *Desk, now time.Time, id string) SeatState {
	for _, s := range d.Snapshot(now).Seats {
		if s.ID == id {
			return s.State
		}
	}
	return ""
}

var parcels = Handover{CallID: "a", Queue: "parcels"}

func TestTheLongestIdleSeatOfTheFirstTierIsAsked(t *testing.T) {
	d := one(t, []string{"1", "2"}, []string{"3"})
	talk := func(at0 time.Duration) string {
		tk := d.Enter(at(at0), parcels, 0)
		id := reserve(t, d, at(at0), tk)
		d.Report(at(at0), tk, Talking, "")
		d.Leave(at(at0+time.Second), tk)
		return id
	}
	a, b := talk(0), talk(30*time.Second)
	if a == b || a == "3" || b == "3" {
		t.Fatalf("first %s, then %s; want both seats of the first tier", a, b)
	}
	if c := talk(60 * time.Second); c != a {
		t.Errorf("then %s, want %s, which was idle longest", c, a)
	}
	x, y := d.Enter(at(2*time.Minute), parcels, 0), d.Enter(at(2*time.Minute), parcels, 0)
	reserve(t, d, at(2*time.Minute), x)
	reserve(t, d, at(2*time.Minute), y)
	if got := talk(2 * time.Minute); got != "3" {
		t.Errorf("with the first tier taken %s is asked, want 3", got)
	}
}

func TestTicketsAreServedByPriorityThenAge(t *testing.T) {
	d := one(t, []string{"1"})
	first := d.Enter(t0, parcels, 0)
	reserve(t, d, t0, first)
	older, newer, urgent := d.Enter(at(1), parcels, 0), d.Enter(at(2), parcels, 0), d.Enter(at(3), parcels, 5)
	for _, tk := range []*Ticket{newer, older, urgent} {
		waits(t, d, at(4), tk)
	}
	for i, tk := range []*Ticket{urgent, older, newer} {
		if p := d.Position(at(5), tk); p.Ahead != i {
			t.Errorf("ticket %d has %d ahead, want %d", i, p.Ahead, i)
		}
	}
	d.Leave(at(6), first)
	for _, tk := range []*Ticket{urgent, older, newer} {
		if !told(tk) {
			t.Fatal("the next in line was not told")
		}
		if id := reserve(t, d, at(7), tk); id != "1" {
			t.Fatalf("got seat %s", id)
		}
		d.Leave(at(8), tk)
	}
}

func TestNobodyCouldEverCome(t *testing.T) {
	d := one(t, []string{"1"})
	for name, h := range map[string]Handover{"no such queue": {Queue: "moon"}, "no queue": {}} {
		if _, err := d.Reserve(t0, d.Enter(t0, h, 0)); !errors.Is(err, ErrNoSeat) {
			t.Errorf("%s: %v, want ErrNoSeat", name, err)
		}
	}
	busy, waiting := d.Enter(t0, parcels, 0), d.Enter(t0, parcels, 0)
	reserve(t, d, t0, busy)
	waits(t, d, t0, waiting)
	if err := d.SignOut(t0, "1"); err != nil {
		t.Fatal(err)
	}
	if !told(waiting) {
		t.Fatal("who waits for the last seat was not told that it signed out")
	}
	if _, err := d.Reserve(t0, waiting); !errors.Is(err, ErrNoSeat) {
		t.Errorf("%v, want ErrNoSeat", err)
	}
	if got := state(d, t0, "1"); got != Reserved {
		t.Errorf("the seat is %s; it goes away only after its call", got)
	}
	d.Leave(t0, busy)
	if got := state(d, t0, "1"); got != Away {
		t.Errorf("after its call the seat is %s, want away", got)
	}
	if err := d.SignOut(t0, "x"); !errors.Is(err, ErrUnknownSeat) {
		t.Errorf("%v, want ErrUnknownSeat", err)
	}
}

func TestARefusedSeatIsNotOfferedAgainWhileThereIsAnother(t *testing.T) {
	d := one(t, []string{"1", "2"})
	other, tk := d.Enter(t0, parcels, 0), d.Enter(t0, parcels, 0)
	taken := reserve(t, d, t0, other)
	refused := reserve(t, d, t0, tk)
	d.Report(t0, tk, Free, Declined)
	waits(t, d, at(time.Minute), tk) // although its penalty is over
	if id := reserve(t, d, at(time.Minute), d.Enter(at(time.Minute), parcels, 0)); id != refused {
		t.Errorf("another caller gets %s, want %s", id, refused)
	}
	d.Leave(at(time.Minute), other)
	if !told(tk) || reserve(t, d, at(time.Minute), tk) != taken {
		t.Errorf("the seat that did not refuse is not offered")
	}
}

func TestTheOnlySeatIsOfferedAgainAfterItsPenalty(t *testing.T) {
	d := one(t, []string{"1"})
	tk := d.Enter(t0, parcels, 0)
	reserve(t, d, t0, tk)
	d.Report(t0, tk, Free, Busy)
	waits(t, d, at(9*time.Second), tk)
	if next := d.Next(at(9 * time.Second)); next != at(10*time.Second) {
		t.Fatalf("worth asking at %v, want when the penalty ends", next)
	}
	if id := reserve(t, d, at(10*time.Second), tk); id != "1" {
		t.Errorf("got %q", id)
	}
}

func TestASeatThatNobodySitsAtIsSetAway(t *testing.T) {
	d := one(t, []string{"1", "2"})
	now := t0
	for _, why := range []Refusal{NoAnswer, Busy, NoAnswer, Voicemail, Unreachable} {
		if got := state(d, now, "1"); got != Free {
			t.Fatalf("before %s the seat is %s: busy does not count, and ends the row", why, got)
		}
		d.SignOut(now, "2")
		tk := d.Enter(now, parcels, 0)
		reserve(t, d, now, tk)
		d.Report(now, tk, Free, why)
		d.Leave(now, tk)
		now = now.Add(time.Minute)
	}
	now = now.Add(-time.Minute)
	if got := state(d, now, "1"); got != Away {
		t.Fatalf("after three in a row the seat is %s, want away", got)
	}
	if got := state(d, now.Add(5*time.Minute), "1"); got != Free {
		t.Errorf("five minutes later it is %s, want free", got)
	}
}

func TestNoSeatIsEverStuck(t *testing.T) {
	for name, c := range map[string]struct {
		reports []SeatState
		after   time.Duration
		before  SeatState
	}{
		"told and never fetched": {nil, 3 * time.Second, Reserved},
		"ringing for ever":       {[]SeatState{Ringing}, 2 * time.Minute, Ringing},
		"talking for ever":       {[]SeatState{Ringing, Talking}, 4*time.Hour + 10*time.Minute + 10*time.Second, Talking},
	} {
		t.Run(name, func(t *testing.T) {
			d := one(t, []string{"1"})
			first, tk := d.Enter(t0, parcels, 0), d.Enter(t0, parcels, 0)
			reserve(t, d, t0, first)
			waits(t, d, t0, tk)
			d.Leave(t0, first) // the seat is now kept for tk
			if c.reports != nil {
				reserve(t, d, t0, tk)
			}
			for _, s := range c.reports {
				d.Report(t0, tk, s, "")
			}
			if got := state(d, t0, "1"); got != c.before {
				t.Fatalf("seat is %s, want %s", got, c.before)
			}
			now := t0
			for state(d, now, "1") != Free {
				next := d.Next(now)
				if next.IsZero() {
					t.Fatal("nothing will ever free the seat")
				}
				now = next
			}
			if got := now.Sub(t0); got != c.after {
				t.Errorf("free after %v, want %v", got, c.after)
			}
		})
	}
}

func TestNewsOfASeatThatIsTheTicketsNoMoreChangeNothing(t *testing.T) {
	d := one(t, []string{"1"})
	late, tk := d.Enter(t0, parcels, 0), d.Enter(t0, parcels, 0)
	reserve(t, d, t0, late)
	now := at(3 * time.Minute) // the lease is over
	if reserve(t, d, now, tk) != "1" {
		t.Fatal("the seat was not free")
	}
	d.Report(now, late, Talking, "")
	d.Report(now, late, Free, Busy)
	d.Leave(now, late)
	if got := state(d, now, "1"); got != Reserved {
		t.Errorf("seat is %s, want still reserved for the other", got)
	}
	if _, err := d.Reserve(now, late); !errors.Is(err, ErrLeft) {
		t.Errorf("%v, want ErrLeft", err)
	}
}

func TestWrapUpFollowsATalkHoweverItEnds(t *testing.T) {
	for name, end := range map[string]func(*Desk, *Ticket){
		"reported": func(d *Desk, tk *Ticket) { d.Report(at(time.Minute), tk, WrapUp, "") },
		"left":     func(d *Desk, tk *Ticket) { d.Leave(at(time.Minute), tk) },
	} {
		d := one(t, []string{"1"})
		tk := d.Enter(t0, parcels, 0)
		reserve(t, d, t0, tk)
		d.Report(t0, tk, Talking, "")
		end(d, tk)
		if got := state(d, at(time.Minute), "1"); got != WrapUp {
			t.Errorf("%s: seat is %s, want wrap-up", name, got)
		}
		if got := state(d, at(70*time.Second), "1"); got != Free {
			t.Errorf("%s: ten seconds later %s, want free", name, got)
		}
		if p := d.Position(at(time.Minute), tk); p != (Place{}) {
			t.Errorf("%s: a served ticket has the place %v", name, p)
		}
	}
}

func TestTheExpectedWaitFollowsFromHowLongTalksTake(t *testing.T) {
	d := one(t, []string{"1"})
	tk := d.Enter(t0, parcels, 0)
	reserve(t, d, t0, tk)
	d.Report(t0, tk, Talking, "")
	d.Leave(at(110*time.Second), tk) // and ten seconds of wrap-up
	a, b := d.Enter(at(time.Hour), parcels, 0), d.Enter(at(time.Hour), parcels, 0)
	reserve(t, d, at(time.Hour), d.Enter(at(time.Hour), parcels, 9))
	waits(t, d, at(time.Hour), a)
	if got, want := d.Position(at(time.Hour), b), (Place{1, 4 * time.Minute}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	want := "There is one caller before you. It takes about four minutes. Please stay on the line."
	if got := d.Position(at(time.Hour), b).Sentence(); got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}

func TestTheSnapshotCountsSeatsAndTickets(t *testing.T) {
	d := one(t, []string{"1", "2"})
	d.SignOut(t0, "2")
	tk := d.Enter(t0, parcels, 0)
	reserve(t, d, t0, tk)
	waits(t, d, at(1), d.Enter(at(1), parcels, 0))
	snap := d.Snapshot(at(2))
	if s := snap.Seats[0]; s.State != Reserved || s.CallID != "a" {
		t.Errorf("seat 1 is %s for %q, want reserved for a", s.State, s.CallID)
	}
	q := snap.Queues[0]
	if q.Waiting != 2 || q.Oldest != t0 || q.Seats[Reserved] != 1 || q.Seats[Away] != 1 {
		t.Errorf("queue %+v", q)
	}
}

func TestAllMistakesOfTheConfigurationAreTold(t *testing.T) {
	_, err := NewDesk(Config{
		Queues: []Queue{{Name: "a", Tiers: [][]string{{"1", "9"}, {"1"}}}, {Name: "a"}},
		Seats:  []Seat{{ID: "1"}, {ID: "1", Address: "sip:1@h"}, {Address: "sip:2@h"}},
	})
	for _, want := range []string{
		`seat "1" has no address`, `seat "1" is there twice`, `a seat has no id (address "sip:2@h")`,
		`queue "a" names seat "9", which there is not`, `queue "a" names seat "1" twice`, `queue "a" is there twice`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
}
