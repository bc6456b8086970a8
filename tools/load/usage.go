//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used, and all of them.
type usage struct {
	at         time.Time
	cpu        float64 // seconds
	kib        float64 // resident
	busy, idle float64 // ticks of all cores
}

// usageOf reads it (proc(5)).
func usageOf(pid int) (u usage, err error) {
	u.at = time.Now()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, fmt.Errorf("the program has ended: %w", err)
	}
	all, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	number := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	u.cpu = (number(fields[11]) + number(fields[12])) / 100
	u.kib = number(fields[21]) * float64(os.Getpagesize()) / 1024
	line, _, _ := strings.Cut(string(all), "\n")
	for i, f := range strings.Fields(line)[1:9] {
		if i == 3 || i == 4 { // idle, iowait
			u.idle += number(f)
		} else {
			u.busy += number(f)
		}
	}
	return u, nil
}

func (u usage) busySince(before usage) float64 {
	busy, idle := u.busy-before.busy, u.idle-before.idle
	return 100 * busy / max(busy+idle, 1)
}

// quarts of a distribution, in milliseconds.
type quarts struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func quartsOf(ds []time.Duration) (q quarts) {
	if len(ds) == 0 {
		return q
	}
	slices.Sort(ds)
	at := func(share float64) float64 {
		return float64(ds[int(share*float64(len(ds)-1))].Microseconds()) / 1000
	}
	return quarts{at(.5), at(.99), at(1)}
}
