//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// linger is how long SIP keeps ended transactions for retransmissions: 64*T1, RFC 3261 section 17.1.1.2, and a little.
const linger = 34 * time.Second

// collected is when at the latest an idle process has collected its garbage and given it back: the runtime collects every two
// minutes even if nothing happens.
const collected = 3 * time.Minute

// A thousand short calls leave what fifty left: no goroutine and no memory grows with the number of calls there were.
func TestAThousandShortCallsLeaveNothingBehind(t *testing.T) {
	h := open(t, settings{})
	phones := newLightPhones(t)
	h.shortCalls(t, phones, 50)
	first := h.footprint(50)
	h.shortCalls(t, phones, 950)
	last := h.footprint(1000)
	t.Logf("after 50 calls: %v; after 1,000: %v", first, last)
	for until := time.Now().Add(collected); last.mib > first.mib*1.05+16 && time.Now().Before(until); last = h.footprint(1000) {
	}
	t.Logf("at the end: %v", last)
	if last.goroutines > first.goroutines+3 {
		t.Errorf("%.0f goroutines after 50 calls, %.0f after 1,000", first.goroutines, last.goroutines)
	}
	if last.mib > first.mib*1.05+16 {
		t.Errorf("%.0f MiB after 50 calls, %.0f after 1,000", first.mib, last.mib)
	}
	if n := h.metric("ivr_calls_active"); n != 0 {
		t.Errorf("%v calls are still active", n)
	}
}

// shortCalls places n calls, ten at a time; each hears the beginning of the greeting.
func (h *house) shortCalls(t *testing.T, phones *lightPhones, n int) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	next := make(chan struct{})
	defer close(next)
	for range 10 {
		wg.Go(func() {
			for range next {
				if err := phones.call(t.Context(), h.uri(), 300*time.Millisecond, nil, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range n {
		next <- struct{}{}
	}
}

type footprint struct{ goroutines, mib, heap float64 }

func (f footprint) String() string {
	return fmt.Sprintf("%.0f goroutines, %.0f MiB, %.0f of them heap in use", f.goroutines, f.mib, f.heap)
}

// footprint is what the house takes once the calls so far are over and forgotten.
func (h *house) footprint(calls int) footprint {
	h.t.Helper()
	h.records(calls)
	<-time.After(linger)
	return footprint{h.metric("go_goroutines"), h.metric("process_resident_memory_bytes") / (1 << 20), h.metric("go_memstats_heap_inuse_bytes") / (1 << 20)}
}
