package speech

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// seconds are the buckets of what a caller waits for.
var seconds = []float64{.01, .025, .05, .1, .15, .2, .3, .5, .75, 1, 2, 4}

type poolMetrics struct {
	took, wait prometheus.Histogram
	refused    *prometheus.CounterVec
	panics     prometheus.Counter
	hurried    prometheus.Counter
}

// newPoolMetrics counts also when reg is nil; then nobody reads it.
func newPoolMetrics(reg prometheus.Registerer, queued func() float64) *poolMetrics {
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "ivr_recogniser_queue", Help: "Utterances that wait for a recogniser."}, queued)
	return &poolMetrics{
		took: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_recogniser_seconds", Help: "Engine time of one recognition.", Buckets: seconds}),
		wait: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_recogniser_wait_seconds", Help: "Time an utterance stood in the queue.", Buckets: seconds}),
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_recogniser_refused_total", Help: "Recognitions refused, because they would have come late or the queue was full."},
			[]string{"reason"}),
		panics: f.NewCounter(prometheus.CounterOpts{Name: "ivr_recogniser_panics_total", Help: "Panics of the engine, each survived."}),
		hurried: f.NewCounter(prometheus.CounterOpts{
			Name: "ivr_recogniser_hurried_total", Help: "Recognitions by the quicker and less exact engine, because others would have waited."}),
	}
}

type voiceMetrics struct {
	took   prometheus.Histogram
	looked *prometheus.CounterVec
	failed prometheus.Counter
}

func newVoiceMetrics(reg prometheus.Registerer) *voiceMetrics {
	f := promauto.With(reg)
	return &voiceMetrics{
		took: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ivr_voice_seconds", Help: "Engine time of one spoken clause.", Buckets: seconds}),
		looked: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_voice_prompts_total", Help: "Prompts asked for, by where they came from."}, []string{"from"}),
		failed: f.NewCounter(prometheus.CounterOpts{Name: "ivr_voice_failures_total", Help: "Clauses the voice could not speak."}),
	}
}
