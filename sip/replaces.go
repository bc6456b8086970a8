package sip

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Replacements are calls that are to take the place of this one (RFC 3891), as the last step of an attended transfer: the leg of
// somebody else, in its early state. Who takes it answers it, joins it to whoever hears this leg, and hangs this leg up. Where nobody
// takes it the call is refused.
func (l *Leg) Replacements() <-chan *Leg { return l.replacements }

// replaced finds the leg whose place an INVITE wants, or answers it. Not ok: it was answered; nil: it wants nobody's.
func (ua *UA) replaced(req *sip.Request, tx sip.ServerTransaction) (old *Leg, ok bool) {
	all := req.GetHeaders("Replaces")
	if len(all) == 0 {
		return nil, true
	}
	id, params, _ := strings.Cut(all[0].Value(), ";")
	tags := map[string]string{}
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		tags[strings.ToLower(name)] = value
	}
	if len(all) > 1 || tags["to-tag"] == "" || tags["from-tag"] == "" {
		ua.respond(req, tx, 400, "Bad Request", sip.NewHeader("Warning", `399 ivr "Replaces"`))
		return nil, false
	}
	ua.mu.Lock()
	old = ua.legs[strings.TrimSpace(id)+" "+tags["to-tag"]]
	ua.mu.Unlock()
	if old == nil || old.farBy(tags["from-tag"]) == nil {
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
		return nil, false
	}
	old.mu.Lock()
	was := old.state
	old.mu.Unlock()
	_, earlyOnly := tags["early-only"]
	switch {
	case was == over, was != confirmed && old.tx != nil: // RFC 3891, 3: only who began a call that rings can be replaced
		ua.respond(req, tx, 481, "Call/Transaction Does Not Exist")
	case was == confirmed && earlyOnly:
		ua.respond(req, tx, 486, "Busy Here")
	default:
		return old, true
	}
	return nil, false
}

// handOver gives a leg to who conducts the one that it replaces, and stays with it.
func handOver(ctx context.Context, old, l *Leg) {
	taken := time.NewTimer(reorder)
	defer taken.Stop()
	select {
	case old.replacements <- l:
	case <-taken.C: // nobody looks
		l.ua.count(refusedRefer, l.peer, "INVITE")
		l.Reject(403, "Forbidden")
		return
	}
	select {
	case <-l.Done():
	case <-ctx.Done():
	}
}
