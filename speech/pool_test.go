package speech_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ivr/speech"
)

var second = make([]int16, 16000)

func TestARushIsRefusedAndNotMadeToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		pool := speech.NewPool(&scripted{texts: []string{"hello"}, takes: 500 * time.Millisecond}, speech.PoolConfig{Workers: 1, Metrics: reg})
		ctx, stop := context.WithCancel(t.Context())
		go pool.Run(ctx)
		for range 40 { // it learns that the engine is slow
			if _, err := pool.Recognise(ctx, second, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		served, refused := 0, 0
		for range 20 {
			wg.Go(func() {
				r, err := pool.Recognise(ctx, second, time.Second)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, speech.ErrBusy):
					refused++
				case err != nil:
					t.Error(err)
				default:
					served++
					if r.Waited > 1100*time.Millisecond || r.Took != 500*time.Millisecond {
						t.Errorf("waited %v, took %v", r.Waited, r.Took)
					}
				}
			})
		}
		wg.Wait()
		if served < 3 || served > 5 {
			t.Errorf("%d served, %d refused", served, refused)
		}
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP ivr_recogniser_queue Utterances that wait for a recogniser.
# TYPE ivr_recogniser_queue gauge
ivr_recogniser_queue 0
`), "ivr_recogniser_queue"); err != nil {
			t.Error(err)
		}
		stop()
	})
}

func TestNobodyIsRecognisedForACallerWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &scripted{texts: []string{"hello"}, takes: 100 * time.Millisecond}
		pool := speech.NewPool(engine, speech.PoolConfig{Workers: 1})
		ctx, stop := context.WithCancel(t.Context())
		left, leave := context.WithCancelCause(ctx)
		gone := errors.New("gone")
		go func() { pass(50 * time.Millisecond); leave(gone) }()
		if _, err := pool.Recognise(left, second, time.Second); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
		go pool.Run(ctx)
		if r, err := pool.Recognise(ctx, second, time.Second); err != nil || r.Text != "hello" {
			t.Errorf("got %+v, %v", r, err)
		}
		if engine.calls != 1 {
			t.Errorf("%d recognitions", engine.calls)
		}
		stop()
	})
}

func TestTheQueueHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := speech.NewPool(new(scripted), speech.PoolConfig{Workers: 1, Queue: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		refused := make(chan error, 3)
		for range 3 {
			wg.Go(func() {
				_, err := pool.Recognise(ctx, nil, time.Hour)
				refused <- err
			})
		}
		wg.Wait()
		busy := 0
		for range 3 {
			if errors.Is(<-refused, speech.ErrBusy) {
				busy++
			}
		}
		if busy != 1 {
			t.Errorf("%d refused, want 1 of 3 at a queue of 2 that nobody serves", busy)
		}
	})
}

func TestBeforeCallersAreRefusedTheQuickerEngineWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exact := &scripted{texts: []string{"exact"}, takes: 200 * time.Millisecond}
		quick := &scripted{texts: []string{"quick"}, takes: 20 * time.Millisecond}
		pool := speech.NewPool(exact, speech.PoolConfig{Workers: 1, Queue: 50, Hurried: quick})
		ctx, stop := context.WithCancel(t.Context())
		go pool.Run(ctx)
		rush := func(callers int) (took time.Duration) {
			began := time.Now()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					if _, err := pool.Recognise(ctx, second, 3*time.Second); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return time.Since(began)
		}
		for range 40 { // it learns how slow the exact one is
			rush(1)
		}
		if took := rush(8); took != 1600*time.Millisecond || quick.calls != 0 {
			t.Errorf("eight at once took %v, %d of them quickly", took, quick.calls)
		}
		if took := rush(30); took > 2500*time.Millisecond { // by the exact one alone 6 s
			t.Errorf("thirty at once took %v", took)
		}
		before := quick.calls
		if rush(1); quick.calls != before {
			t.Error("after the rush there is still hurry")
		}
		stop()
	})
}
