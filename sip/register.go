package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Waits after a registration that failed: doubled each time, and shortened by chance, so that those who failed together do not try
// again together (RFC 5626, 4.5). Who is refused for its credentials waits longer: most carriers ban who insists.
const (
	retryFirst   = 5 * time.Second
	retryRefused = time.Minute
	retryMost    = 30 * time.Minute
)

// How often a trunk's name is looked up, and how soon again when that failed.
const (
	lookUp      = time.Minute
	lookUpAgain = 5 * time.Second
)

// run keeps a trunk registered and asks whether it is there, until ctx is done; then it takes the registration back.
func (t *trunk) run(ctx context.Context) {
	if t.Address == "" {
		return
	}
	var parts sync.WaitGroup
	parts.Go(func() { t.follow(ctx) })
	if t.Register {
		parts.Go(func() { t.keepRegistered(ctx) })
	}
	if t.KeepAlive > 0 {
		parts.Go(func() { t.watch(ctx) })
	}
	parts.Wait()
}

// follow keeps the addresses of the trunk fresh: calls come from them.
func (t *trunk) follow(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookUp
		if _, err := t.locate(ctx); err != nil {
			t.ua.log.Warn("a trunk was not found", "trunk", t.Name, "err", err)
			wait = lookUpAgain
		}
		pause(ctx, wait)
	}
}

// watch asks whether the trunk is there.
func (t *trunk) watch(ctx context.Context) {
	for ; ctx.Err() == nil; pause(ctx, t.KeepAlive) {
		if err := t.ping(ctx); ctx.Err() == nil {
			t.alive(err)
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// ping asks the servers of the trunk in turn, until one answers. Whatever it answers, it is there, unless it says that it takes no
// calls.
func (t *trunk) ping(ctx context.Context) error {
	hops, err := t.locate(ctx)
	var failures []error
	for _, h := range hops {
		res, err := t.ask(ctx, t.request(sip.OPTIONS, t.uri, h))
		switch {
		case err != nil:
			failures = append(failures, fmt.Errorf("%s: %w", h, err))
		case res.StatusCode == 503 || res.StatusCode == 408:
			failures = append(failures, fmt.Errorf("%s: %w", h, &ResponseError{"OPTIONS", res.StatusCode, res.Reason}))
		default:
			return nil
		}
		t.failed(h)
	}
	return errors.Join(append(failures, err)...)
}

// ask sends a request and waits as long as a server that is there may need.
func (t *trunk) ask(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	ctx, stop := context.WithTimeoutCause(ctx, unheard, ErrNoResponse)
	defer stop()
	return t.ua.do(ctx, req, party{t, t.uri.Host})
}

// request builds one outside of any dialog.
func (t *trunk) request(method sip.RequestMethod, to sip.Uri, h hop) *sip.Request {
	req := sip.NewRequest(method, to)
	req.SetTransport(strings.ToUpper(h.network))
	req.SetDestination(h.addr.String())
	us := sip.Uri{Scheme: t.uri.Scheme, User: orDefault(t.User, t.account()), Host: t.uri.Host, Port: t.uri.Port}
	if t.Host != "" && method != sip.REGISTER {
		us.Host, us.Port = t.Host, 0
	}
	from := &sip.FromHeader{Address: us, Params: sip.NewParams()}
	from.Params.Add("tag", newTag())
	callID := sip.CallIDHeader(newTag() + newTag())
	if method == sip.REGISTER {
		to = us
	}
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: to, Params: sip.NewParams()})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: method})
	t.ua.dress(req, h.network, h.addr.String(), t)
	return req
}

// keepRegistered registers again and again.
func (t *trunk) keepRegistered(ctx context.Context) {
	r := &registration{trunk: t, expires: t.Expires}
	failures := 0
	for ctx.Err() == nil {
		wait, err := r.refresh(ctx)
		if ctx.Err() != nil {
			break
		}
		t.registered(r.until, err)
		if err == nil {
			failures = 0
		} else {
			wait = backOff(failures, err)
			failures++
		}
		pause(ctx, wait)
	}
	if r.until.After(time.Now()) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), parole)
		defer stop()
		r.expires = 0
		r.refresh(ctx)
		t.registered(time.Time{}, nil)
	}
}

// backOff is the wait after the failure that follows so many others.
func backOff(failures int, err error) time.Duration {
	wait := retryFirst
	var refused *ResponseError
	if errors.As(err, &refused) && (refused.Code == 401 || refused.Code == 403 || refused.Code == 404 || refused.Code == 407) {
		wait = retryRefused
	}
	wait = min(wait<<min(failures, 10), retryMost)
	wait = wait/2 + rand.N(wait/2)
	var later *laterError
	if errors.As(err, &later) {
		wait = max(wait, later.after)
	}
	return wait
}

// laterError is a refusal that says when to come again.
type laterError struct {
	error
	after time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

// registration is what the registrar knows of us (RFC 3261, 10).
type registration struct {
	trunk   *trunk
	expires time.Duration
	request *sip.Request // the last one: those of one registration share Call-ID and count on
	until   time.Time
}

// refresh registers, at the first server that can, and returns when to do so again.
func (r *registration) refresh(ctx context.Context) (again time.Duration, err error) {
	hops, err := r.trunk.servers(ctx)
	if err != nil {
		return 0, err
	}
	for _, h := range hops {
		if again, err = r.at(ctx, h); err == nil || !serverFailed(err) || ctx.Err() != nil {
			return again, err
		}
		r.trunk.failed(h)
	}
	r.trunk.locate(ctx) // perhaps it has moved
	return 0, err
}

// at registers at one server.
func (r *registration) at(ctx context.Context, h hop) (again time.Duration, err error) {
	t := r.trunk
	r.prepare(h)
	for challenged := 0; ; {
		res, err := t.ask(ctx, r.request)
		if err != nil {
			return 0, err
		}
		refused := &ResponseError{"REGISTER", res.StatusCode, res.Reason}
		switch {
		case res.IsSuccess():
			return r.took(res), nil
		case (res.StatusCode == 401 || res.StatusCode == 407) && challenged < 3:
			challenged++
			if err := authorize(r.request, res, t.ours()); err != nil {
				return 0, fmt.Errorf("%w: %w", refused, err)
			}
		case res.StatusCode == 423 && seconds(res.GetHeader("Min-Expires")) > r.expires: // RFC 3261, 10.3
			r.expires = seconds(res.GetHeader("Min-Expires"))
		case res.GetHeader("Retry-After") != nil:
			return 0, &laterError{refused, seconds(res.GetHeader("Retry-After"))}
		default:
			return 0, refused
		}
		afresh(r.request)
		r.setExpires()
	}
}

// prepare makes the next REGISTER, from the last if there is one.
func (r *registration) prepare(h hop) {
	t := r.trunk
	server := sip.Uri{Scheme: t.uri.Scheme, Host: t.uri.Host, Port: t.uri.Port}
	req := t.request(sip.REGISTER, server, h)
	if last := r.request; last != nil {
		req.ReplaceHeader(last.CallID())
		req.ReplaceHeader(last.From())
		req.CSeq().SeqNo = last.CSeq().SeqNo + 1
	}
	req.AppendHeader(sip.NewHeader("Supported", "path"))
	r.request = req
	r.setExpires()
}

func (r *registration) setExpires() {
	r.request.RemoveHeader("Expires")
	r.request.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(r.expires.Seconds()))))
}

// took reads how long the registration lasts and returns when to refresh it: soon enough that a server may fail meanwhile.
func (r *registration) took(res *sip.Response) time.Duration {
	lasts := r.expires
	if d := seconds(res.GetHeader("Expires")); d > 0 {
		lasts = d
	}
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || c.Address.User != r.trunk.Name {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.ParseUint(v, 10, 31); err == nil && n > 0 {
				lasts = time.Duration(n) * time.Second
			}
		}
	}
	r.until = time.Now().Add(lasts)
	if r.expires == 0 {
		r.until = time.Time{}
	}
	var routes []sip.Header
	for _, h := range res.GetHeaders("Service-Route") { // RFC 3608: outgoing calls go that way
		for _, v := range splitList(h.Value()) {
			routes = append(routes, sip.NewHeader("Route", v))
		}
	}
	r.trunk.mu.Lock()
	r.trunk.routes = routes
	r.trunk.mu.Unlock()
	return lasts * 3 / 4
}
