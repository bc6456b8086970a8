package media

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics of one engine. A nil *metrics counts nothing.
type metrics struct {
	streams  prometheus.Gauge
	sent     prometheus.Counter
	sentLate prometheus.Counter
	received prometheus.Counter
	lost     prometheus.Counter
	late     prometheus.Counter
	dropped  prometheus.Counter
	invalid  [invalidReasons]prometheus.Counter
	jitter   prometheus.Histogram
	trip     prometheus.Histogram
	mos      [2]prometheus.Observer // here, far
	lateness prometheus.Histogram
	skipped  prometheus.Counter
	unsaved  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	f := promauto.With(r)
	count := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		streams:  f.NewGauge(prometheus.GaugeOpts{Name: "ivr_rtp_streams", Help: "RTP streams in progress."}),
		sent:     count("ivr_rtp_packets_sent_total", "RTP packets sent."),
		sentLate: count("ivr_rtp_packets_sent_late_total", "RTP packets sent more than 20 ms after their tick."),
		received: count("ivr_rtp_packets_received_total", "Valid RTP packets received, duplicates among them."),
		lost:     count("ivr_rtp_packets_lost_total", "RTP packets that never came (RFC 3550, A.3); known when a stream closes."),
		late:     count("ivr_rtp_packets_late_total", "RTP packets that came after they were needed."),
		dropped:  count("ivr_rtp_packets_dropped_total", "RTP packets that came faster than they could be played."),
		jitter: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_rtp_jitter_seconds", Help: "Interarrival jitter (RFC 3550, 6.4.1) when a stream closes.",
			Buckets: []float64{.001, .002, .005, .01, .02, .03, .05, .075, .1, .15, .2, .5}}),
		trip: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_rtp_round_trip_seconds", Help: "To the far end and back, by RTCP, when a stream closes.",
			Buckets: []float64{.005, .01, .02, .05, .1, .15, .2, .3, .5, 1, 2}}),
		lateness: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_rtp_clock_late_seconds", Help: "How late ticks of the 20 ms clock began.",
			Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5}}),
		unsaved: count("ivr_recordings_failed_total", "Recordings that could not be written to their end, as when the disk is full."),
		skipped: count("ivr_rtp_clock_ticks_skipped_total", "Ticks left out because the process stood still for long."),
	}
	mos := f.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ivr_rtp_mos", Help: "Mean opinion score of a stream by the E-model (ITU-T G.107), as heard here and at the far end.",
		Buckets: []float64{1.5, 2, 2.5, 3, 3.2, 3.4, 3.6, 3.8, 4, 4.1, 4.2, 4.3, 4.4}}, []string{"side"})
	m.mos = [2]prometheus.Observer{mos.WithLabelValues("here"), mos.WithLabelValues("far")}
	invalid := f.NewCounterVec(prometheus.CounterOpts{
		Name: "ivr_rtp_packets_invalid_total", Help: "Packets not taken, by reason."}, []string{"reason"})
	for i, name := range invalidNames {
		m.invalid[i] = invalid.WithLabelValues(name)
	}
	return m
}

// tally is what streams counted since the last tick: the metrics take the sum of all, once a tick.
type tally struct {
	sent, sentLate, received, late, dropped int
	invalid                                 [invalidReasons]int
}

// take adds what s counted since it was asked last. The mutex of s is held.
func (t *tally) take(s *Stream) {
	now := tally{s.stats.Sent, s.stats.SentLate, s.stats.Received, s.buffer.late, s.stats.Dropped + s.buffer.dropped, s.invalid}
	was := &s.told
	t.sent += now.sent - was.sent
	t.sentLate += now.sentLate - was.sentLate
	t.received += now.received - was.received
	t.late += now.late - was.late
	t.dropped += now.dropped - was.dropped
	for i := range t.invalid {
		t.invalid[i] += now.invalid[i] - was.invalid[i]
	}
	s.told = now
}

// add takes another tally and empties it.
func (t *tally) add(o *tally) {
	t.sent += o.sent
	t.sentLate += o.sentLate
	t.received += o.received
	t.late += o.late
	t.dropped += o.dropped
	for i, n := range o.invalid {
		t.invalid[i] += n
	}
	*o = tally{}
}

// add takes a tally and empties it.
func (m *metrics) add(t *tally) {
	if m != nil {
		m.sent.Add(float64(max(t.sent, 0)))
		m.sentLate.Add(float64(t.sentLate))
		m.received.Add(float64(t.received))
		m.late.Add(float64(t.late))
		m.dropped.Add(float64(t.dropped))
		for i, n := range t.invalid {
			m.invalid[i].Add(float64(n))
		}
	}
	*t = tally{}
}

func (m *metrics) opened() {
	if m != nil {
		m.streams.Inc()
	}
}

// closed takes what is known at the end of a stream only.
func (m *metrics) closed(n Stats, measured bool) {
	if m == nil {
		return
	}
	m.streams.Dec()
	m.lost.Add(float64(n.Lost))
	if measured {
		m.jitter.Observe(n.Jitter.Seconds())
	}
	if n.RoundTrip > 0 {
		m.trip.Observe(n.RoundTrip.Seconds())
	}
	for i, mos := range []float64{n.MOS, n.FarMOS} {
		if mos > 0 {
			m.mos[i].Observe(mos)
		}
	}
}

func (m *metrics) ticked(late time.Duration) {
	if m != nil {
		m.lateness.Observe(late.Seconds())
	}
}

func (m *metrics) recordingFailed() {
	if m != nil {
		m.unsaved.Inc()
	}
}

func (m *metrics) skip(ticks int) {
	if m != nil {
		m.skipped.Add(float64(ticks))
	}
}
