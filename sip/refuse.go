package sip

import (
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// refusal is why we did not serve a request: a closed set, a metric label.
type refusal string

const (
	refusedSource    refusal = "unknown source"
	refusedFull      refusal = "too many calls"
	refusedDraining  refusal = "draining"
	refusedMedia     refusal = "no audio in common"
	refusedNoPort    refusal = "no free RTP port"
	refusedRequire   refusal = "extension required"
	refusedIdle      refusal = "not serving"
	refusedMerged    refusal = "merged request"
	refusedBody      refusal = "body of an unknown type"
	refusedTrunkFull refusal = "too many calls on the trunk"
	refusedTrunkRate refusal = "calls too fast on the trunk"
	refusedNoAuth    refusal = "credentials missing"
	refusedAuth      refusal = "wrong credentials"
	refusedScanner   refusal = "scanner"
	refusedFlood     refusal = "too many messages"
	refusedBanned    refusal = "banned"
	refusedUninvited refusal = "not within a call of ours"
	refusedRefer     refusal = "transfer asked of us"

	refusedMalformed refusal = "malformed"      // an offence; counted as garbage
	refusedNumber    refusal = "unknown number" // so too; counted by who knows the numbers
)

// setting that decides a refusal, for the log.
var setting = map[refusal]string{
	refusedSource: "sip.allow", refusedFull: "sip.max_calls", refusedDraining: "the process is ending",
	refusedMedia: "the caller's codecs: we speak PCMU and PCMA over RTP/AVP", refusedNoPort: "rtp.ports",
	refusedRequire: "Require of the request", refusedIdle: "starting",
	refusedTrunkFull: "trunks.NAME.calls", refusedTrunkRate: "trunks.NAME.per_second", refusedNoAuth: "trunks.NAME.challenge",
	refusedAuth: "trunks.NAME.challenge", refusedScanner: "none: tools that look for open systems are not served",
	refusedFlood: "sip.guard.rate", refusedBanned: "sip.guard", refusedUninvited: "sip.allow", refusedRefer: "none: we place no calls for others",
	refusedMerged: "the request came on another way too", refusedBody: "Content-Type of the request",
}

type metrics struct {
	refused  *prometheus.CounterVec
	requests *prometheus.CounterVec
	garbage  prometheus.Counter
	panics   prometheus.Counter
	failed   *prometheus.CounterVec
	legs     prometheus.Gauge
	bans     *prometheus.CounterVec
	trunkUp  *prometheus.GaugeVec
	trunkReg *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	return &metrics{
		refused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_refused_total", Help: "Requests we did not serve, by reason."}, []string{"reason"}),
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_requests_total", Help: "Requests received, by method."}, []string{"method"}),
		garbage: f.NewCounter(prometheus.CounterOpts{
			Name: "ivr_sip_garbage_total", Help: "Datagrams and stream pieces that are no SIP."}),
		panics: f.NewCounter(prometheus.CounterOpts{
			Name: "ivr_sip_panics_total", Help: "Handlers that panicked: each ended its own call."}),
		failed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_failures_total", Help: "What we could not send, or never got an answer to."}, []string{"what"}),
		legs: f.NewGauge(prometheus.GaugeOpts{Name: "ivr_sip_legs", Help: "Dialogs in progress, of both directions."}),
		bans: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_bans_total", Help: "Sources that were banned, by reason."}, []string{"reason"}),
		trunkUp: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ivr_sip_trunk_up", Help: "1 while calls can be placed on the trunk."}, []string{"trunk"}),
		trunkReg: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ivr_sip_trunk_registered", Help: "1 while we are registered at the trunk."}, []string{"trunk"}),
	}
}

// methodLabel keeps the label a closed set.
func methodLabel(m sip.RequestMethod) string {
	switch m {
	case sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.PRACK, sip.UPDATE, sip.INFO, sip.NOTIFY, sip.REFER, sip.REGISTER, sip.SUBSCRIBE:
		return string(m)
	}
	return "other"
}

// refuse answers, counts and logs.
func (ua *UA) refuse(req *sip.Request, tx sip.ServerTransaction, code int, reason string, why refusal, headers ...sip.Header) {
	ua.respond(req, tx, code, reason, headers...)
	ua.count(why, req.Source(), string(req.Method))
}

func (ua *UA) count(why refusal, source, method string) {
	ua.metrics.refused.WithLabelValues(string(why)).Inc()
	if unsaid, ok := ua.mouth.may(why, time.Now()); ok {
		ua.log.Warn("refused", "reason", why, "source", source, "method", method, "setting", setting[why], "unlogged", unsaid)
	}
}

// mouth lets each reason into the log once a second: a flood must not become a flood of lines.
type mouth struct {
	mu     sync.Mutex
	last   map[refusal]time.Time
	unsaid map[refusal]int
}

func newMouth() *mouth { return &mouth{last: map[refusal]time.Time{}, unsaid: map[refusal]int{}} }

func (m *mouth) may(why refusal, now time.Time) (unsaid int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.last[why]) < time.Second {
		m.unsaid[why]++
		return 0, false
	}
	unsaid = m.unsaid[why]
	m.last[why], m.unsaid[why] = now, 0
	return unsaid, true
}
