package sip

import (
	"net"
	"net/netip"
	"runtime/debug"
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
	refusedSource   refusal = "unknown source"
	refusedFull     refusal = "too many calls"
	refusedDraining refusal = "draining"
	refusedMedia    refusal = "no audio in common"
	refusedNoPort   refusal = "no free RTP port"
	refusedRequire  refusal = "extension required"
	refusedIdle     refusal = "not serving"
	refusedMerged   refusal = "merged request"
	refusedBody     refusal = "body of an unknown type"

	refusedMalformed refusal = "malformed" // for the log; counted as garbage
)

// setting that decides a refusal, for the log.
var setting = map[refusal]string{
	refusedSource: "sip.allow", refusedFull: "sip.max_calls", refusedDraining: "the process is ending",
	refusedMedia: "the caller's codecs: we speak PCMU and PCMA over RTP/AVP", refusedNoPort: "rtp.ports",
	refusedRequire: "Require of the request", refusedIdle: "starting",
	refusedMerged: "the request came on another way too", refusedBody: "Content-Type of the request",
}

type metrics struct {
	refused  *prometheus.CounterVec
	requests *prometheus.CounterVec
	garbage  prometheus.Counter
	panics   prometheus.Counter
	failed   *prometheus.CounterVec
	legs     prometheus.Gauge
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
	}
}

// methodLabel keeps the label a closed set.
func methodLabel(m sip.RequestMethod) string {
	switch m {
	case sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.UPDATE, sip.INFO, sip.NOTIFY, sip.REGISTER, sip.SUBSCRIBE:
		return string(m)
	}
	return "other"
}

func (ua *UA) allowed(from net.Addr) bool {
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap()
	for _, p := range ua.cfg.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// guarded counts a request, checks what is common to all, and keeps a panic to the call it happened in.
func (ua *UA) guarded(h func(*sip.Request, sip.ServerTransaction)) func(*sip.Request, sip.ServerTransaction) {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		defer func() {
			if p := recover(); p != nil {
				ua.panicked(p, string(req.Method), "")
				ua.respond(req, tx, 500, "Server Internal Error")
			}
		}()
		ua.metrics.requests.WithLabelValues(methodLabel(req.Method)).Inc()
		if req.To() == nil || req.From() == nil || req.CallID() == nil || req.CSeq() == nil ||
			!strings.EqualFold(string(req.CSeq().MethodName), string(req.Method)) {
			ua.metrics.garbage.Inc()
			if req.Method != sip.ACK {
				ua.respond(req, tx, 400, "Bad Request")
			}
			return
		}
		if req.Method != sip.ACK && !ua.acceptable(req, tx) {
			return
		}
		h(req, tx)
	}
}

// panicked is called in the handler that recovered.
func (ua *UA) panicked(value any, method, call string) {
	ua.metrics.panics.Inc()
	ua.log.Error("panic in a SIP handler", "method", method, "call", call, "value", value, "stack", string(debug.Stack()))
}

// acceptable checks Require (RFC 3261, 8.2.2.3). Max-Forwards is the business of proxies: with us the request has arrived.
func (ua *UA) acceptable(req *sip.Request, tx sip.ServerTransaction) bool {
	if h := req.GetHeader("Require"); h != nil && req.Method != sip.CANCEL {
		ua.refuse(req, tx, 420, "Bad Extension", refusedRequire, sip.NewHeader("Unsupported", h.Value()))
		return false
	}
	return true
}

// admit decides whether a new call is served; leave gives its place back.
func (ua *UA) admit(req *sip.Request, tx sip.ServerTransaction) bool {
	id := inviteID(req)
	ua.mu.Lock()
	var why refusal
	switch {
	case ua.invites[id]:
		why = refusedMerged
	case ua.draining:
		why = refusedDraining
	case ua.handle == nil:
		why = refusedIdle
	case ua.cfg.MaxCalls > 0 && len(ua.invites) >= ua.cfg.MaxCalls:
		why = refusedFull
	default:
		ua.invites[id] = true
		ua.handlers.Add(1)
	}
	ua.mu.Unlock()
	switch why {
	case "":
		return true
	case refusedMerged:
		ua.refuse(req, tx, 482, "Loop Detected", why)
	default:
		ua.refuse(req, tx, 503, "Service Unavailable", why, ua.retryAfter())
	}
	return false
}

func (ua *UA) leave(req *sip.Request) {
	ua.mu.Lock()
	delete(ua.invites, inviteID(req))
	ua.mu.Unlock()
	ua.handlers.Done()
}

// inviteID is the same for copies of one INVITE that took different ways to us (RFC 3261, 8.2.2.2).
func inviteID(req *sip.Request) string {
	tag, _ := req.From().Params.Get("tag")
	return strings.Join([]string{req.CallID().Value(), tag, req.CSeq().Value()}, " ")
}

func (ua *UA) isDraining() bool {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	return ua.draining
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
