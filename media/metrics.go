package media

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics of all streams: those that have closed, and at each scrape those that are open.
type metrics struct {
	engine *Engine
	late   prometheus.Histogram
	jitter prometheus.Histogram

	mu   sync.Mutex
	past Stats
}

func newMetrics(r prometheus.Registerer, e *Engine) *metrics {
	f := promauto.With(r)
	m := &metrics{
		engine: e,
		late: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_rtp_clock_late_seconds", Help: "How late the 20 ms clock ticked.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1}}),
		jitter: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_rtp_jitter_seconds", Help: "Interarrival jitter (RFC 3550, 6.4.1) at the end of a stream.",
			Buckets: []float64{.001, .002, .005, .01, .02, .03, .05, .1}}),
	}
	total := func(name, help string, of func(Stats) int) {
		f.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of(m.total())) })
	}
	total("ivr_rtp_packets_sent_total", "RTP packets sent.", func(s Stats) int { return s.Sent })
	total("ivr_rtp_packets_sent_late_total", "RTP packets sent more than 20 ms late.", func(s Stats) int { return s.SentLate })
	total("ivr_rtp_packets_received_total", "Valid RTP packets received.", func(s Stats) int { return s.Received })
	total("ivr_rtp_packets_lost_total", "RTP packets that never came (RFC 3550, A.3).", func(s Stats) int { return s.Lost })
	total("ivr_rtp_packets_late_total", "RTP packets that came after their time to be played.", func(s Stats) int { return s.Late })
	total("ivr_rtp_packets_invalid_total", "Datagrams that were not RTP of the call, or from a stranger.", func(s Stats) int { return s.Invalid })
	return m
}

func (m *metrics) tick(late time.Duration) { m.late.Observe(late.Seconds()) }

func (m *metrics) closed(s Stats) {
	m.jitter.Observe(s.Jitter.Seconds())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.past = m.past.plus(s)
}

func (m *metrics) total() Stats {
	m.mu.Lock()
	sum := m.past
	m.mu.Unlock()
	m.engine.mu.Lock()
	streams := m.engine.streams
	m.engine.mu.Unlock()
	for _, s := range streams {
		sum = sum.plus(s.Stats())
	}
	return sum
}

func (s Stats) plus(o Stats) Stats {
	s.Sent += o.Sent
	s.SentLate += o.SentLate
	s.Received += o.Received
	s.Lost += o.Lost
	s.Late += o.Late
	s.Invalid += o.Invalid
	return s
}
