package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Trunk is one carrier, PBX or SBC we exchange calls with, and its quirks. A field left zero has the default it names.
type Trunk struct {
	Name    string         // of the configuration; letters, digits, "-" and "_"
	Address string         // "sip:sbc.example.com;transport=tls": where calls go and where we register; "": it only calls us
	Sources []netip.Prefix // calls come from here too, beside what Address resolves to

	User, Password string        // ours, when it asks for them (RFC 3261, 22; RFC 8760)
	Register       bool          // tell it where we are (RFC 3261, 10)
	Expires        time.Duration // how long a registration is to last [5m]
	Challenge      Credentials   // what it has to present when it calls; zero: its address is enough

	MaxCalls   int     // at once, of both directions; 0: no limit of its own
	CallRate   float64 // calls a second that it may begin; 0: no limit of its own
	In, Out    []Rule  // how its numbers become ours (E.164), and ours its own
	Number     string  // our number there: who calls, when the caller's number is not shown
	ShowCaller bool    // the caller's number goes along: the carrier has to allow it
	Distrust   bool    // do not believe its P-Asserted-Identity (RFC 3325)

	Identity Identity // how our number is asserted
	Host     string   // our name there, in Contact and From; "": our address, and the trunk's name
	Keep     []string // headers of its calls that Leg.Kept gives
	Pass     []string // headers of DialRequest that it gets; "*": all
	SRTP     SRTP

	KeepAlive time.Duration // how often it is asked whether it is there [30s]; negative: never
	TLS       *tls.Config   // nil: Config.ClientTLS
}

// Identity says how our number goes along with a call (RFC 3325).
type Identity string

// What a [Trunk] can want.
const (
	Asserted   Identity = ""          // P-Asserted-Identity: between those who trust each other
	Preferred  Identity = "preferred" // P-Preferred-Identity: a customer tells its carrier which of its numbers to show
	Unasserted Identity = "none"
)

// Credentials are for digest authentication.
type Credentials struct{ User, Password string }

// Defaults of a [Trunk].
const (
	defaultExpires   = 5 * time.Minute
	defaultKeepAlive = 30 * time.Second
)

// Rule rewrites a number that begins with Match: Strip characters go, Prefix comes. The first rule that matches is the only one.
type Rule struct {
	Match  string // "" matches every number
	Strip  int
	Prefix string
}

// Rewrite applies the first rule that matches; without one the number stays.
func Rewrite(number string, rules []Rule) string {
	for _, r := range rules {
		if strings.HasPrefix(number, r.Match) {
			return r.Prefix + number[min(r.Strip, len(number)):]
		}
	}
	return number
}

// TrunkState is what a trunk does just now.
type TrunkState struct {
	Name, Address string
	Up            bool      // calls can be placed on it; one that only calls us is always up
	Why           string    // what is wrong, in words; "" when nothing is
	Since         time.Time // of Up; zero: not known yet
	Hop           string    // server in use, "tls:192.0.2.1:5061"
	Registered    bool
	Until         time.Time // of the registration
	Calls         int       // in progress, of both directions
	In, Out       int       // calls since the start
	Refused       int       // of its requests, by us: see UA.Refusals
}

// trunk is a Trunk at work.
type trunk struct {
	Trunk
	ua  *UA
	uri sip.Uri // of Address

	mu      sync.Mutex
	found   []hop // best first; those that failed last go to the end
	state   TrunkState
	begun   bucket
	routes  []sip.Header // Service-Route of the registration (RFC 3608)
	pinged  error        // outcome of the last ping
	refused error        // of the last registration
	checked bool         // there was one of either
}

var errTrunk = errors.New("sip: trunk")

// newTrunk checks what a configuration can get wrong.
func (ua *UA) newTrunk(c Trunk) (*trunk, error) {
	if c.Name == "" || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return nil, fmt.Errorf("%w: %q is no name: want letters, digits, - and _", errTrunk, c.Name)
	}
	if c.Expires <= 0 {
		c.Expires = defaultExpires
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = defaultKeepAlive
	}
	t := &trunk{Trunk: c, ua: ua, begun: bucket{rate: c.CallRate}}
	t.state = TrunkState{Name: c.Name, Address: c.Address, Up: !c.Register}
	ua.metrics.trunkUp.WithLabelValues(c.Name).Set(boolFloat(t.state.Up)) // an alert needs the series before the first change
	ua.metrics.trunkCalls.WithLabelValues(c.Name).Set(0)
	if c.Address == "" {
		switch {
		case c.Register:
			return nil, fmt.Errorf("%w %s: there is no address to register at", errTrunk, c.Name)
		case len(c.Sources) == 0:
			return nil, fmt.Errorf("%w %s: neither an address nor sources", errTrunk, c.Name)
		}
		return t, nil
	}
	var err error
	if t.uri, err = parseTarget(c.Address); err != nil {
		return nil, fmt.Errorf("%w %s: %w", errTrunk, c.Name, err)
	}
	if _, err := netip.ParseAddr(strings.Trim(t.uri.Host, "[]")); err == nil {
		t.found, _ = ua.hops(context.Background(), t.uri) // looks nothing up
	}
	switch c.SRTP {
	case SRTPAccept, SRTPOff, SRTPOffer, SRTPRequire:
	default:
		return nil, fmt.Errorf("%w %s: srtp %q: want off, offer or require", errTrunk, c.Name, c.SRTP)
	}
	switch c.Identity {
	case Asserted, Preferred, Unasserted:
	default:
		return nil, fmt.Errorf("%w %s: identity %q: want preferred or none", errTrunk, c.Name, c.Identity)
	}
	if c.Register && c.User == "" {
		return nil, fmt.Errorf("%w %s: no user to register", errTrunk, c.Name)
	}
	return t, nil
}

// Trunks tells the state of each, in the order of the configuration.
func (ua *UA) Trunks() []TrunkState {
	all := make([]TrunkState, len(ua.trunks))
	for i, t := range ua.trunks {
		t.mu.Lock()
		all[i] = t.state
		if len(t.found) > 0 {
			all[i].Hop = t.found[0].String()
		}
		t.mu.Unlock()
	}
	return all
}

// trunksAt finds the trunks that a source may be. Several may share one, as accounts at one carrier do: then our own Contact, which
// bears the name of the trunk, comes first.
func (ua *UA) trunksAt(from netip.Addr, uri sip.Uri) (all []*trunk) {
	for _, t := range ua.trunks {
		switch {
		case !t.owns(from):
		case t.Name == uri.User:
			all = slices.Insert(all, 0, t)
		default:
			all = append(all, t)
		}
	}
	return all
}

// ownerOf is the first trunk that an address is; nil: none.
func (ua *UA) ownerOf(addr netip.Addr) *trunk {
	for _, t := range ua.trunks {
		if t.owns(addr) {
			return t
		}
	}
	return nil
}

// owns says whether an address is the trunk's.
func (t *trunk) owns(addr netip.Addr) bool {
	if slices.ContainsFunc(t.Sources, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.found, func(h hop) bool { return h.addr.Addr() == addr })
}

// locate looks the trunk's servers up; what was known stays when that fails.
func (t *trunk) locate(ctx context.Context) ([]hop, error) {
	found, err := t.ua.hops(ctx, t.uri)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && len(t.found) == 0 {
		return nil, err
	}
	if err == nil {
		if len(t.found) > 0 { // the one in use stays in use as long as it is listed
			if i := slices.Index(found, t.found[0]); i > 0 {
				found = append([]hop{found[i]}, slices.Delete(slices.Clone(found), i, i+1)...)
			}
		}
		t.found = found
	}
	return slices.Clone(t.found), nil
}

// servers are those to try, best first.
func (t *trunk) servers(ctx context.Context) ([]hop, error) {
	t.mu.Lock()
	known := slices.Clone(t.found)
	t.mu.Unlock()
	if len(known) > 0 {
		return known, nil
	}
	return t.locate(ctx)
}

// failed puts a server behind the others.
func (t *trunk) failed(h hop) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.found, h); i >= 0 && len(t.found) > 1 {
		t.found = append(slices.Delete(slices.Clone(t.found), i, i+1), h)
	}
}

// alive notes the outcome of a ping.
func (t *trunk) alive(err error) {
	t.mu.Lock()
	t.pinged = err
	t.mu.Unlock()
	t.judge()
}

// registered notes until when we are, and why not longer.
func (t *trunk) registered(until time.Time, err error) {
	t.mu.Lock()
	t.state.Until, t.refused = until, err
	t.state.Registered = time.Now().Before(until)
	t.mu.Unlock()
	t.ua.metrics.trunkReg.WithLabelValues(t.Name).Set(boolFloat(time.Now().Before(until)))
	t.judge()
}

// judge decides whether the trunk is up: it answers, and we are registered if we have to be.
func (t *trunk) judge() {
	t.mu.Lock()
	was, first := t.state.Up, !t.checked
	up, why := t.pinged == nil, ""
	if t.pinged != nil {
		why = "no answer: " + t.pinged.Error()
	}
	if t.Register && t.refused != nil {
		why = "not registered: " + t.refused.Error()
	}
	up = up && (!t.Register || t.state.Registered)
	t.state.Up, t.state.Why, t.checked = up, why, true
	if was != up || first {
		t.state.Since = time.Now()
	}
	t.mu.Unlock()
	t.ua.metrics.trunkUp.WithLabelValues(t.Name).Set(boolFloat(up))
	switch {
	case was && !up && why != "":
		t.ua.log.Warn("trunk down", "trunk", t.Name, "why", why)
	case up && !was:
		t.ua.log.Info("trunk up", "trunk", t.Name)
	}
}

func boolFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// enter takes a place for a call; leave gives it back. why is "" when there is one.
func (t *trunk) enter(incoming bool) (why refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.MaxCalls > 0 && t.state.Calls >= t.MaxCalls:
		why = refusedTrunkFull
	case incoming && !t.begun.take(time.Now()):
		why = refusedTrunkRate
	}
	if why != "" {
		return why
	}
	t.state.Calls++
	direction := "out"
	if incoming {
		t.state.In++
		direction = "in"
	} else {
		t.state.Out++
	}
	t.ua.metrics.trunkBegun.WithLabelValues(t.Name, direction).Inc()
	t.ua.metrics.trunkCalls.WithLabelValues(t.Name).Set(float64(t.state.Calls))
	return ""
}

func (t *trunk) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Calls--
	t.ua.metrics.trunkCalls.WithLabelValues(t.Name).Set(float64(t.state.Calls))
}

// refusedOne counts a request of the trunk that was not served.
func (t *trunk) refusedOne() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Refused++
}

// bucket lets rate events a second through, and as many at once.
type bucket struct {
	rate  float64 // 0: no limit
	full  float64 // how much is in it
	since time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.rate <= 0 {
		return true
	}
	most := max(1, b.rate)
	if b.since.IsZero() {
		b.full = most
	} else {
		b.full = min(most, b.full+now.Sub(b.since).Seconds()*b.rate)
	}
	b.since = now
	if b.full < 1 {
		return false
	}
	b.full--
	return true
}
