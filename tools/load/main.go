//go:build linux

// Command load measures from outside, on loopback, what calls cost a SIP program and how it serves them: it starts the program, calls
// it, takes its RTP on one socket with the kernel's time stamps, and prints a line of JSON.
//
//	load -calls 1000 -echo -- bin/answer -sip 127.0.0.1:5070     calls at once
//	load -rate 300 -for 20s -hold 10s -- bin/answer ...          set-ups
//
// One goroutine does everything, woken up every few milliseconds: arrival times do not depend on when it runs.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

type options struct {
	to     string
	calls  int
	rate   float64
	during time.Duration
	hold   time.Duration
	window time.Duration
	echo   bool
	label  string
}

func main() {
	var o options
	flag.StringVar(&o.to, "to", "127.0.0.1:5070", "where the program answers, UDP")
	flag.IntVar(&o.calls, "calls", 0, "calls at once, measured for -window; 0: set-ups are measured")
	flag.Float64Var(&o.rate, "rate", 100, "calls begun a second")
	flag.DurationVar(&o.during, "for", 20*time.Second, "how long calls are begun, without -calls")
	flag.DurationVar(&o.hold, "hold", 10*time.Second, "how long each lasts, without -calls")
	flag.DurationVar(&o.window, "window", 20*time.Second, "how long calls at once are measured")
	flag.BoolVar(&o.echo, "echo", false, "send every packet back, so that the program receives as much as it sends")
	flag.StringVar(&o.label, "label", "", "name of the result")
	flag.Parse()
	if err := run(o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(o options, program []string) (err error) {
	if len(program) == 0 {
		return errors.New("no program: load [flags] -- program arguments")
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait() // how it ends is not what is measured
	}()
	m, err := newMeter(o.echo)
	if err != nil {
		return err
	}
	c, err := newCallers(o.to, m.port())
	if err != nil {
		return err
	}
	if err := c.probe(time.Minute); err != nil {
		return err
	}
	// Ours must not wait for the program that it measures. Without the right to it the results say how busy the machine was.
	runtime.LockOSThread()
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), -19)
	result, err := measure(o, cmd.Process.Pid, m, c)
	if err != nil {
		return err
	}
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

// result is what is printed. Times are in milliseconds.
type result struct {
	Label    string      `json:"label"`
	Calls    int         `json:"calls"`
	Answered int         `json:"answered"`
	Failed   int         `json:"failed"`
	Refused  map[int]int `json:"refused,omitempty"` // INVITEs, by status code
	Resent   int         `json:"resent"`            // requests of ours that had no answer in time
	Echo     bool        `json:"echo,omitempty"`
	Setup    quarts      `json:"invite_to_200_ms"`
	Bye      quarts      `json:"bye_to_200_ms"`
	CPU      float64     `json:"cpu_s_per_call_min,omitempty"`
	PerCall  float64     `json:"cpu_ms_per_call,omitempty"`
	KiB      float64     `json:"kib_per_call,omitempty"`
	Busy     float64     `json:"machine_busy_pct"` // by all processes, of all cores
	*streams
}

func measure(o options, pid int, m *meter, c *callers) (*result, error) {
	r := &result{Label: o.label, Calls: o.calls, Echo: o.echo}
	idle, err := usageOf(pid)
	if err != nil {
		return nil, err
	}
	if o.calls > 0 {
		err = measureCalls(o, pid, m, c, r, idle)
	} else {
		r.Calls = int(o.rate * o.during.Seconds())
		spin(m, c, o, r.Calls, o.hold, nil)
		var after usage
		after, err = usageOf(pid)
		r.PerCall = 1000 * (after.cpu - idle.cpu) / float64(max(r.Calls, 1))
		r.Busy = after.busySince(idle)
	}
	r.Answered, r.Failed, r.Resent = c.answered, c.failed, c.resent
	r.Refused = c.refused
	r.Setup, r.Bye = quartsOf(c.setups), quartsOf(c.byes)
	return r, err
}

// measureCalls begins all calls, measures for a while, and ends them.
func measureCalls(o options, pid int, m *meter, c *callers, r *result, idle usage) error {
	const settle = 3 * time.Second
	ramp := time.Duration(float64(o.calls) / o.rate * float64(time.Second))
	from := time.Now().Add(ramp + settle)
	m.from, m.until = from, from.Add(o.window)
	var before, after usage
	var err error
	spin(m, c, o, o.calls, ramp+settle+o.window+time.Second, func(now time.Time) {
		switch {
		case before.at.IsZero() && now.After(m.from):
			before, err = usageOf(pid)
		case after.at.IsZero() && now.After(m.until):
			after, err = usageOf(pid)
		}
	})
	if err != nil {
		return err
	}
	span := after.at.Sub(before.at)
	r.CPU = (after.cpu - before.cpu) / float64(o.calls) / span.Minutes()
	r.KiB = (after.kib - idle.kib) / float64(o.calls)
	r.Busy = after.busySince(before)
	r.streams = m.sum(o.window)
	return nil
}

// spin runs until all calls have ended.
func spin(m *meter, c *callers, o options, calls int, hold time.Duration, each func(now time.Time)) {
	pause := 10 * time.Millisecond
	if o.echo {
		pause = 2 * time.Millisecond
	}
	begin := time.Now()
	for {
		now := time.Now()
		for c.begun() < calls && now.Sub(begin).Seconds()*o.rate >= float64(c.begun()) {
			c.call(now, now.Add(hold))
		}
		m.drain()
		c.drain()
		c.tick(now)
		if each != nil {
			each(now)
		}
		if c.begun() == calls && c.over() {
			return
		}
		time.Sleep(pause)
	}
}
