package call

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ivr/dialog"
)

// Metrics of all calls. A nil *Metrics counts nothing.
type Metrics struct {
	active       prometheus.Gauge
	endedBy      *prometheus.CounterVec
	duration     prometheus.Histogram
	turns        *prometheus.CounterVec
	gap          prometheus.Histogram
	gapPart      *prometheus.HistogramVec
	handovers    *prometheus.CounterVec
	toSeat       prometheus.Histogram
	partFailures *prometheus.CounterVec
	backend      *prometheus.HistogramVec
	refused      *prometheus.CounterVec
}

// NewMetrics registers the metrics of calls.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	gaps := []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9, 1, 1.25, 1.5, 2, 3, 5, 10}
	return &Metrics{
		active: f.NewGauge(prometheus.GaugeOpts{Name: "ivr_calls_active", Help: "Calls in progress."}),
		endedBy: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_calls_ended_total", Help: "Calls that ended, by cause."}, []string{"cause"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_call_duration_seconds", Help: "First INVITE to last BYE.",
			Buckets: []float64{5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}}),
		turns: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_turns_total", Help: "What callers said or keyed, by how it was understood."},
			[]string{"intent", "outcome"}),
		gap: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_reply_gap_seconds", Help: "Last voiced caller packet to first audible packet of the reply.", Buckets: gaps}),
		gapPart: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ivr_reply_gap_part_seconds", Help: "Where the reply gap went: end of turn decided, words, meaning, voice.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .2, .3, .4, .5, .75, 1, 2, 5}}, []string{"part"}),
		handovers: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_handovers_total", Help: "Attempts to reach a person."}, []string{"reason", "outcome"}),
		toSeat: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_time_to_seat_seconds", Help: "Decision to hand over to caller and seat joined.",
			Buckets: []float64{1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600}}),
		partFailures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_call_failures_total", Help: "Failures of parts of ours inside calls."}, []string{"part"}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_calls_refused_total", Help: "Calls that no bot took, by reason."}, []string{"reason"}),
		backend: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ivr_backend_seconds", Help: "Actions of the bot at its back end, all tries together.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2, 5, 10}}, []string{"outcome"}),
	}
}

func (m *Metrics) fetched(d time.Duration, outcome string) {
	if m != nil {
		m.backend.WithLabelValues(outcome).Observe(d.Seconds())
	}
}

// Refused counts a call that no bot took; reason is a closed set.
func (m *Metrics) Refused(reason string) {
	if m != nil {
		m.refused.WithLabelValues(reason).Inc()
	}
}

func (m *Metrics) began() {
	if m != nil {
		m.active.Inc()
	}
}

func (m *Metrics) ended(r *Report) {
	if m == nil {
		return
	}
	m.active.Dec()
	m.endedBy.WithLabelValues(string(r.Cause)).Inc()
	m.duration.Observe(r.Ended.Sub(r.Started).Seconds())
	for _, h := range r.Handovers {
		m.handovers.WithLabelValues(string(h.Reason), h.Outcome).Inc()
		if h.ToSeat > 0 {
			m.toSeat.Observe(h.ToSeat.Seconds())
		}
	}
}

// turn counts by intent: a closed set, the names in the bot file.
func (m *Metrics) turn(t dialog.Turn) {
	if m != nil {
		m.turns.WithLabelValues(t.Intent, t.Outcome).Inc()
	}
}

func (m *Metrics) replied(g Gap) {
	if m == nil {
		return
	}
	m.gap.Observe(g.Total.Seconds())
	m.gapPart.WithLabelValues("end of turn").Observe(g.Decided.Seconds())
	m.gapPart.WithLabelValues("words").Observe(g.Recognised.Seconds())
	m.gapPart.WithLabelValues("meaning").Observe(g.Meant.Seconds())
	m.gapPart.WithLabelValues("voice").Observe(g.Spoken.Seconds())
}

func (m *Metrics) failed(part string) {
	if m != nil {
		m.partFailures.WithLabelValues(part).Inc()
	}
}

func (m *Metrics) panicked()        { m.failed("panic") }
func (m *Metrics) voiceFailed()     { m.failed("voice") }
func (m *Metrics) recordingFailed() { m.failed("recording") }
