package transfer

import (
	"fmt"
	"testing"
)

// A desk as full as one machine's: 200 callers wait for 100 busy seats.
func BenchmarkReserveWhileAllSeatsAreBusy(b *testing.B) {
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprint(i))
	}
	d, err := NewDesk(Config{Queues: []Queue{{Name: "parcels", Tiers: [][]string{ids}}}, Seats: seats(ids...)})
	if err != nil {
		b.Fatal(err)
	}
	var last *Ticket
	for range 300 {
		last = d.Enter(t0, parcels, 0)
		_, _ = d.Reserve(t0, last)
	}
	for b.Loop() {
		_, _ = d.Reserve(t0, last)
	}
}
