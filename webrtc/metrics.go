package webrtc

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Why a request is refused: the values of the label of the metric.
const (
	refusedToken  = "token"
	refusedFull   = "full"
	refusedType   = "content type"
	refusedSyntax = "syntax"
	refusedMedia  = "no audio in common"
	refusedFailed = "failed"
	refusedPanic  = "panic"
)

// metrics may be nil.
type metrics struct {
	refused   *prometheus.CounterVec
	connected prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	m := &metrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_webrtc_refused_total", Help: "Requests of browsers that were refused, by reason.",
		}, []string{"reason"}),
		connected: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_webrtc_connect_seconds", Help: "From a browser's offer to audio both ways.",
			Buckets: []float64{.05, .1, .2, .4, .8, 1.5, 3, 6, 12, 25},
		}),
	}
	r.MustRegister(m.refused, m.connected)
	return m
}

func (m *metrics) refuse(reason string) {
	if m != nil {
		m.refused.WithLabelValues(reason).Inc()
	}
}

func (m *metrics) connect(took time.Duration) {
	if m != nil {
		m.connected.Observe(took.Seconds())
	}
}
