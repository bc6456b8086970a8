package transfer

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Fifty calls wait as a conductor waits: for the ticket, or for the moment the desk names.
func TestFiftyCallersShareThreeSeatsInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := one(t, []string{"1", "2", "3"})
		began := time.Now()
		var mu sync.Mutex
		var served []int
		var calls sync.WaitGroup
		for i := range 50 {
			tk := d.Enter(time.Now(), parcels, 0)
			_, _ = d.Reserve(time.Now(), tk) // all ask, in order, before the first is served
			calls.Go(func() {
				defer func() { d.Leave(time.Now(), tk) }()
				if _, err := await(d, tk); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				served = append(served, i)
				mu.Unlock()
				d.Report(time.Now(), tk, Ringing, "")
				d.Report(time.Now(), tk, Talking, "")
				<-time.After(30 * time.Second)
			})
		}
		calls.Wait()
		// 17 rounds of 30 seconds, 16 wraps of 10 between them.
		if took := time.Since(began); took != 670*time.Second {
			t.Errorf("all were served after %v, want 11m10s", took)
		}
		for i := 0; i < len(served); i += 3 {
			round := served[i:min(i+3, len(served))]
			slices.Sort(round) // at the same moment
			if round[0] != i {
				t.Fatalf("served in the order %v", served)
			}
		}
	})
}

// await asks for a seat until there is one or could never be one.
func await(d *Desk, tk *Ticket) (Seat, error) {
	for {
		now := time.Now()
		seat, err := d.Reserve(now, tk)
		if !errors.Is(err, ErrWait) {
			return seat, err
		}
		timer := time.NewTimer(time.Hour)
		if next := d.Next(now); !next.IsZero() {
			timer.Reset(next.Sub(now))
		}
		select {
		case <-tk.Ready():
		case <-timer.C:
		}
		timer.Stop()
	}
}
