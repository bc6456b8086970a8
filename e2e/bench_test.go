//go:build e2e && bench

package e2e

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
)

const (
	benchCallers = 100
	benchHold    = 20 * time.Second
	bareEnv      = "IVR_BENCH_BARE" // address where a bare answerer listens
)

// What a call costs the house, as a ratio to a bare answerer: the same SIP and RTP, a prompt played, nothing heard and nothing said.
func TestCostOfACall(t *testing.T) {
	bare := startBare(t)
	phones := newLightPhones(t)
	base := measure(t, phones, "sip:1@"+bare.addr, bare.pid)
	h := open(t, settings{})
	ours := measure(t, phones, h.uri(), h.cmd.Process.Pid)
	fmt.Printf("%d calls of %v, silent callers:\n", benchCallers, benchHold)
	fmt.Printf("  %-14s %8.4f CPU-s a call-minute  %6.2f MiB a call\n", "bare answerer", base.cpu, base.mib)
	fmt.Printf("  %-14s %8.4f CPU-s a call-minute  %6.2f MiB a call   ratio %.1f\n", "ivr serve", ours.cpu, ours.mib, ours.cpu/base.cpu)
}

type cost struct{ cpu, mib float64 }

// measure has all callers on the line for a while and says what a call-minute took.
func measure(t *testing.T, phones *lightPhones, uri string, pid int) cost {
	t.Helper()
	cpu, mib := usage(t, pid)
	var wg sync.WaitGroup
	peak := mib
	for i := range benchCallers {
		wg.Go(func() {
			<-time.After(time.Duration(i) * 10 * time.Millisecond)
			if err := phones.call(t.Context(), uri, benchHold, nil, 0); err != nil {
				t.Error(err)
			}
		})
	}
	<-time.After(benchHold - time.Second)
	_, peak = usage(t, pid)
	wg.Wait()
	after, _ := usage(t, pid)
	return cost{(after - cpu) / (benchCallers * benchHold.Minutes()), (peak - mib) / benchCallers}
}

// usage is the CPU time in seconds and the resident memory in MiB of a process (proc(5)).
func usage(t *testing.T, pid int) (cpu, mib float64) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	number := func(i int) float64 { v, _ := strconv.ParseFloat(fields[i], 64); return v }
	return (number(11) + number(12)) / 100, number(21) * float64(os.Getpagesize()) / (1 << 20)
}

type bareAnswerer struct {
	addr string
	pid  int
}

// startBare runs this very program again as a bare answerer.
func startBare(t *testing.T) bareAnswerer {
	t.Helper()
	addr := freePorts(t, 1)[0]
	cmd := exec.Command(os.Args[0], "-test.run", "TestBareAnswerer")
	cmd.Env = append(os.Environ(), bareEnv+"="+addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	<-time.After(time.Second)
	return bareAnswerer{addr, cmd.Process.Pid}
}

// TestBareAnswerer is the other process.
func TestBareAnswerer(t *testing.T) {
	addr := os.Getenv(bareEnv)
	if addr == "" {
		t.Skip("only as a process of its own")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m := media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 46000, PortMax: 48998})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { m.Run(ctx) })
	ua, err := sip.New(sip.Config{Listen: []sip.Listen{{Network: "udp", Addr: addr}}, Media: m})
	if err != nil {
		t.Fatal(err)
	}
	prompt := make([]int16, 60*media.SampleRate)
	for i := range prompt {
		prompt[i] = int16(8000 * math.Sin(2*math.Pi*300*float64(i)/media.SampleRate))
	}
	music := media.NewPrompt(prompt)
	for _, c := range media.Codecs() {
		music.Encode(c)
	}
	ua.Serve(ctx, func(ctx context.Context, l *sip.Leg) {
		if l.Answer(ctx) == nil {
			l.Media().Loop(music)
			<-l.Done()
		}
	})
}
