package sip

import (
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

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
	if lacks := unsupported(req); len(lacks) > 0 && req.Method != sip.CANCEL {
		ua.refuse(req, tx, 420, "Bad Extension", refusedRequire, sip.NewHeader("Unsupported", strings.Join(lacks, ", ")))
		return false
	}
	return true
}

// sender finds the trunk that an INVITE comes from, nil for a phone that is allowed, and asks for credentials where the trunk has to
// present some. Not ok: it was answered.
func (ua *UA) sender(req *sip.Request, tx sip.ServerTransaction) (t *trunk, ok bool) {
	from := sourceOf(req)
	var asked *trunk
	for _, c := range ua.trunksAt(from, req.Recipient) {
		if c.Challenge.User == "" {
			return c, true
		}
		switch ua.auth.judge(req, c.Challenge, time.Now()) {
		case right:
			return c, true
		case stale:
			ua.respond(req, tx, 401, "Unauthorized", ua.auth.headers(time.Now(), true)...)
			return nil, false
		}
		asked = c
	}
	switch {
	case asked == nil || ua.allows(from):
		return nil, true
	case len(req.GetHeaders("Authorization")) == 0:
		ua.respond(req, tx, 401, "Unauthorized", ua.auth.headers(time.Now(), false)...)
	default:
		ua.countOn(asked, refusedAuth, req.Source(), string(req.Method))
		ua.respond(req, tx, 403, "Forbidden")
		ua.offence(from, refusedAuth)
	}
	return nil, false
}

// sourceOf is the address that a request came from.
func sourceOf(req *sip.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(req.Source())
	return at.Addr().Unmap()
}

// admit decides whether a new call is served; leave gives its place back, and the leg that of the trunk.
func (ua *UA) admit(req *sip.Request, tx sip.ServerTransaction, t *trunk) bool {
	if t != nil {
		if why := t.enter(true); why != "" {
			ua.countOn(t, why, req.Source(), string(req.Method))
			ua.respond(req, tx, 503, "Service Unavailable", ua.retryAfter())
			return false
		}
	}
	if ua.enter(req, tx) {
		return true
	}
	if t != nil {
		t.leave()
	}
	return false
}

func (ua *UA) enter(req *sip.Request, tx sip.ServerTransaction) bool {
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
