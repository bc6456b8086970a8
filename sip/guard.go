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
	refusedHops     refusal = "too many hops"
	refusedRequire  refusal = "extension required"
	refusedIdle     refusal = "not serving"
)

// setting that decides a refusal, for the log.
var setting = map[refusal]string{
	refusedSource: "sip.allow", refusedFull: "sip.max_calls", refusedDraining: "the process is ending",
	refusedMedia: "the caller's codecs: we speak PCMU and PCMA over RTP/AVP", refusedNoPort: "rtp.ports",
	refusedHops: "Max-Forwards of the request", refusedRequire: "Require of the request", refusedIdle: "starting",
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

// filter sees every datagram before the parser: what comes from strangers costs no more than this.
func (ua *UA) filter(info sip.TransportReadProps, data []byte) ([]byte, error) {
	if !ua.allowed(info.RemoteAddr) {
		ua.count(refusedSource, info.RemoteAddr.String(), "")
		return nil, nil
	}
	return data, nil
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
				ua.metrics.panics.Inc()
				ua.log.Error("panic in a SIP handler", "method", req.Method, "value", p, "stack", string(debug.Stack()))
			}
		}()
		ua.metrics.requests.WithLabelValues(methodLabel(req.Method)).Inc()
		if req.To() == nil || req.From() == nil || req.CallID() == nil || req.CSeq() == nil || req.CSeq().MethodName != req.Method {
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

// acceptable checks Max-Forwards and Require (RFC 3261, 8.2.2.3 and 16.3).
func (ua *UA) acceptable(req *sip.Request, tx sip.ServerTransaction) bool {
	if scheme := strings.ToLower(req.Recipient.Scheme); scheme != "sip" && scheme != "sips" && scheme != "tel" {
		ua.respond(req, tx, 416, "Unsupported URI Scheme")
		return false
	}
	if h := req.MaxForwards(); h != nil && h.Val() == 0 && req.Method != sip.OPTIONS {
		ua.refuse(req, tx, 483, "Too Many Hops", refusedHops)
		return false
	}
	if h := req.GetHeader("Require"); h != nil && req.Method != sip.CANCEL {
		ua.refuse(req, tx, 420, "Bad Extension", refusedRequire, sip.NewHeader("Unsupported", h.Value()))
		return false
	}
	return true
}

// admit decides whether a new call is served; leave gives its place back.
func (ua *UA) admit(req *sip.Request, tx sip.ServerTransaction) bool {
	ua.mu.Lock()
	var why refusal
	switch {
	case ua.draining:
		why = refusedDraining
	case ua.handle == nil:
		why = refusedIdle
	case ua.cfg.MaxCalls > 0 && ua.calls >= ua.cfg.MaxCalls:
		why = refusedFull
	default:
		ua.calls++
		ua.handlers.Add(1)
	}
	ua.mu.Unlock()
	if why != "" {
		ua.refuse(req, tx, 503, "Service Unavailable", why, ua.retryAfter())
		return false
	}
	return true
}

func (ua *UA) leave() {
	ua.mu.Lock()
	ua.calls--
	ua.mu.Unlock()
	ua.handlers.Done()
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
