package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ivr/transfer"
)

// announce says in a few lines where everything is and what to try.
func (s *server) announce(out io.Writer) {
	var sipAt []string
	for _, l := range s.ua.Addrs() {
		sipAt = append(sipAt, l.Network+"://"+l.Addr)
	}
	numbers := slices.Sorted(maps.Keys(s.cfg.Bots))
	first := numbers[0]
	if first == "*" {
		first = "4000"
	}
	uri := "sip:" + first + "@" + s.ua.Addrs()[0].Addr
	web := "/metrics /healthz /readyz"
	if s.cfg.Web.Call.Number != "" {
		web += " " + callPage + "/"
	}
	if s.seatDesk != nil {
		web += " " + deskPage + "/"
	}
	fmt.Fprintf(out, `
ivr serves calls
  SIP       %s   numbers %s
  web       http://%s   %s
  records   %s   see them with: bin/ivr calls --data %s

try in a second terminal
  bin/ivr call %s --say "where is my parcel four five one two"
  make demo

`, strings.Join(sipAt, "  "), strings.Join(numbers, ", "), s.web.Addr(), web, s.cfg.Data, s.cfg.Data, uri)
}

// bar shows the progress of something long: a bar in a terminal, nothing elsewhere.
type bar struct {
	what string
	out  io.Writer
	bar  *progressbar.ProgressBar
}

func newBar(out io.Writer, what string) *bar {
	b := &bar{what: what}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b.out = out
	}
	return b
}

func (b *bar) set(done, total int) {
	if b.out == nil {
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(b.what),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	b.bar.Set(done)
}

func (b *bar) end() {
	if b.bar != nil {
		b.bar.Finish()
	}
}

// deskCollector shows seats and queues at each scrape.
type deskCollector struct{ desk *transfer.Desk }

var (
	seatsDesc   = prometheus.NewDesc("ivr_seats", "Seats by what they do.", []string{"state"}, nil)
	waitingDesc = prometheus.NewDesc("ivr_queue_waiting", "Callers waiting for a person.", []string{"queue"}, nil)
	oldestDesc  = prometheus.NewDesc("ivr_queue_oldest_seconds", "How long the first in line has waited.", []string{"queue"}, nil)
)

func (*deskCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- seatsDesc
	ch <- waitingDesc
	ch <- oldestDesc
}

func (c *deskCollector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	snap := c.desk.Snapshot(now)
	count := map[transfer.SeatState]int{}
	for _, seat := range snap.Seats {
		count[seat.State]++
	}
	for _, state := range transfer.SeatStates() {
		ch <- prometheus.MustNewConstMetric(seatsDesc, prometheus.GaugeValue, float64(count[state]), string(state))
	}
	for _, q := range snap.Queues {
		oldest := 0.0
		if !q.Oldest.IsZero() {
			oldest = now.Sub(q.Oldest).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(q.Waiting), q.Name)
		ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, oldest, q.Name)
	}
}
