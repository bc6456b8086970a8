package media_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-audio/wav"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ivr/internal/memnet"
	"ivr/media"
)

// sides reads a recording.
func sides(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := wav.NewDecoder(f)
	buf, err := d.FullPCMBuffer()
	if err != nil {
		t.Fatal(err)
	}
	if d.SampleRate != media.SampleRate || d.NumChans != 2 || d.BitDepth != 16 {
		t.Fatalf("%d Hz, %d channels of %d bits", d.SampleRate, d.NumChans, d.BitDepth)
	}
	for i := 0; i+1 < len(buf.Data); i += 2 {
		left, right = append(left, int16(buf.Data[i])), append(right, int16(buf.Data[i+1]))
	}
	return left, right
}

// onset is where audio begins.
func onset(pcm []int16) time.Duration {
	for i, x := range pcm {
		if x > 2000 || x < -2000 {
			return time.Duration(i) * time.Second / media.SampleRate
		}
	}
	return -1
}

// Both ends record the same call: what one says is right in its file and left in the other's, at the same place but for the way
// through the network and the jitter buffer.
func TestBothSidesOfARecordingAreAligned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{Delay: 30 * time.Millisecond}).pair(t, media.PCMU)
		dir := filepath.Join(t.TempDir(), "made")
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 2)
		var stops []func()
		for s, name := range map[*media.Stream]string{a: "a.wav", b: "b.wav"} {
			r := media.NewRecorder(filepath.Join(dir, name))
			stops = append(stops, s.Record(r))
			go func() { done <- r.Run(ctx) }()
		}
		<-time.After(time.Second)
		a.Play(media.NewPrompt(tone(600, time.Second)))
		<-time.After(2 * time.Second)
		b.Play(media.NewPrompt(tone(1200, time.Second)))
		<-time.After(2*time.Second + 10*time.Millisecond)
		for _, stop := range stops {
			stop()
		}
		end()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		heardA, sentA := sides(t, filepath.Join(dir, "a.wav"))
		heardB, sentB := sides(t, filepath.Join(dir, "b.wav"))
		for name, pcm := range map[string][]int16{"a": sentA, "b": sentB} {
			if d := len(pcm) - 5*media.SampleRate; d < 0 || d > media.FrameSamples {
				t.Errorf("%s: %d samples of five seconds", name, len(pcm))
			}
		}
		for name, c := range map[string]struct {
			pcm []int16
			at  time.Duration
		}{
			"a speaks": {sentA, time.Second}, "b hears it": {heardB, time.Second + 50*time.Millisecond},
			"b speaks": {sentB, 3 * time.Second}, "a hears it": {heardA, 3*time.Second + 50*time.Millisecond},
		} {
			if off := onset(c.pcm) - c.at; off < -30*time.Millisecond || off > 30*time.Millisecond {
				t.Errorf("%s at %v, not near %v", name, onset(c.pcm), c.at)
			}
		}
	})
}

// What a crash leaves: the file as it is while the recorder still runs.
func TestARecordingCanBePlayedWhileItGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newLine(t, memnet.Damage{}).pair(t, media.PCMU)
		path := filepath.Join(t.TempDir(), "a.wav")
		r := media.NewRecorder(path)
		a.Record(r)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		a.Play(media.NewPrompt(tone(600, 10*time.Second)))
		<-time.After(3500 * time.Millisecond)
		if _, right := sides(t, path); len(right) != 3*media.SampleRate || level(right, 600) < 7000 {
			t.Errorf("%d samples of three seconds, at level %.0f", len(right), level(right, 600))
		}
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNothingSaidInAPauseIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newLine(t, memnet.Damage{}).pair(t, media.PCMU)
		path := filepath.Join(t.TempDir(), "a.wav")
		r := media.NewRecorder(path)
		a.Record(r)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		a.Play(media.NewPrompt(tone(600, 10*time.Second)))
		<-time.After(time.Second)
		r.Pause()
		<-time.After(time.Second)
		r.Resume()
		<-time.After(time.Second + 10*time.Millisecond)
		end()
		<-done
		_, right := sides(t, path)
		const second = media.SampleRate
		if len(right) < 3*second {
			t.Fatalf("%d samples of three seconds", len(right))
		}
		for i, want := range []float64{8000, 0, 8000} {
			if got := level(right[i*second+second/10:][:second*8/10], 600); math.Abs(got-want) > 200 {
				t.Errorf("second %d is at level %.0f", i, got)
			}
		}
	})
}

func TestAFullDiskIsCountedAndTheCallGoesOn(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no device that is always full here")
	}
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		a, b := newMeasuredLine(t, memnet.Damage{}, registry).pair(t, media.PCMU)
		var e ears
		defer b.Listen(&e)()
		r := media.NewRecorder("/dev/full")
		defer a.Record(r)()
		if err := r.Run(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the error is %v", err)
		}
		<-a.Play(media.NewPrompt(tone(600, time.Second))).Done()
		<-time.After(100 * time.Millisecond)
		if got := level(middle(e.heard()), 600); got < 7000 {
			t.Errorf("the call goes on at level %.0f", got)
		}
		if n, err := testutil.GatherAndCount(registry, "ivr_recordings_failed_total"); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}

func TestARecordingThatCannotBeWrittenIsAnErrorAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{}).pair(t, media.PCMU)
		var e ears
		defer b.Listen(&e)()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r := media.NewRecorder(filepath.Join(file, "no-folder.wav"))
		defer a.Record(r)()
		if err := r.Run(t.Context()); err == nil {
			t.Error("no error")
		}
		<-a.Play(media.NewPrompt(tone(600, time.Second))).Done()
		<-time.After(100 * time.Millisecond)
		if got := level(middle(e.heard()), 600); got < 7000 {
			t.Errorf("the call goes on at level %.0f", got)
		}
		if r.Dropped() < 50 {
			t.Errorf("%d frames dropped", r.Dropped())
		}
	})
}
