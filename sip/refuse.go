package sip

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
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
	refusedAuth      refusal = "wrong credentials"
	refusedScanner   refusal = "scanner"
	refusedFlood     refusal = "too many messages"
	refusedBanned    refusal = "banned"
	refusedUninvited refusal = "not within a call of ours"
	refusedRefer     refusal = "transfer asked of us"
	refusedSRTP      refusal = "audio not protected as agreed"
	refusedMalformed refusal = "malformed" // counted as garbage too
	refusedNumber    refusal = "unknown number"
)

// setting that decides a refusal: a key of the configuration, or in words what else it is. NAME is the trunk's.
var setting = map[refusal]string{
	refusedSource: "sip.allow", refusedFull: "sip.max_calls", refusedDraining: "the process is ending",
	refusedMedia: "the caller's codecs: we speak PCMU, PCMA, G.722 and Opus over RTP", refusedNoPort: "rtp.ports",
	refusedRequire: "Require of the request", refusedIdle: "the process is starting",
	refusedTrunkFull: "trunks.NAME.max_calls", refusedTrunkRate: "trunks.NAME.call_rate", refusedAuth: "trunks.NAME.challenge",
	refusedSRTP: "trunks.NAME.srtp", refusedScanner: "none: tools that look for open systems are not served",
	refusedFlood: "sip.guard.rate", refusedBanned: "sip.guard.ban", refusedUninvited: "sip.allow",
	refusedRefer: "none: we place no calls for others", refusedMerged: "none: the request came on another way too",
	refusedBody: "Content-Type of the request", refusedMalformed: "none: the message is no SIP", refusedNumber: "bots",
}

// settingOf names the setting for one trunk; nil: the source is none's.
func settingOf(why refusal, t *trunk) string {
	if t == nil {
		return setting[why]
	}
	return strings.Replace(setting[why], "NAME", t.Name, 1)
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

	trunkCalls   *prometheus.GaugeVec
	trunkBegun   *prometheus.CounterVec
	trunkRefused *prometheus.CounterVec
	trunkFailed  *prometheus.CounterVec
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
		trunkCalls: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ivr_sip_trunk_calls", Help: "Calls in progress on the trunk."}, []string{"trunk"}),
		trunkBegun: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_trunk_calls_total", Help: "Calls of the trunk, in or out."}, []string{"trunk", "direction"}),
		trunkRefused: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_trunk_refused_total", Help: "Requests of the trunk that we did not serve, by reason."}, []string{"trunk", "reason"}),
		trunkFailed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ivr_sip_trunk_failures_total", Help: "Calls of ours that a server of the trunk could not take."}, []string{"trunk"}),
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

// refuse counts, logs and answers.
func (ua *UA) refuse(req *sip.Request, tx sip.ServerTransaction, code int, reason string, why refusal, headers ...sip.Header) {
	ua.count(why, req.Source(), string(req.Method)) // first: who has the answer finds it counted
	ua.respond(req, tx, code, reason, headers...)
}

// count notes a refusal for the trunk that the source is, if it is one.
func (ua *UA) count(why refusal, source, what string) {
	var t *trunk
	if at, err := netip.ParseAddrPort(source); err == nil && why != refusedSource {
		t = ua.ownerOf(at.Addr().Unmap())
	}
	ua.countOn(t, why, source, what)
}

// countOn notes a refusal where it can be found: metrics, log, and the list that [UA.Refusals] gives.
func (ua *UA) countOn(t *trunk, why refusal, source, what string) {
	now, name := time.Now(), ""
	ua.metrics.refused.WithLabelValues(string(why)).Inc()
	if t != nil {
		name = t.Name
		ua.metrics.trunkRefused.WithLabelValues(name, string(why)).Inc()
		t.refusedOne()
	}
	at, _ := netip.ParseAddrPort(source)
	ua.ledger.note(Refusal{Trunk: name, Source: at.Addr().Unmap(), Reason: string(why), Setting: settingOf(why, t), What: what}, now)
	if unsaid, ok := ua.mouth.may(why, now); ok {
		ua.log.Warn("refused", "reason", why, "source", source, "trunk", name, "what", what, "setting", settingOf(why, t), "unlogged", unsaid)
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

// Settings lists what can decide a refusal, as [Refusal] names it; NAME stands for a trunk's.
func Settings() []string { return slices.Sorted(maps.Values(setting)) }
