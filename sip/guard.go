package sip

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Guard says when a source that we serve is served no more. Trunks and the loopback are never banned: a carrier that is refused is
// an outage.
type Guard struct {
	Strikes int           // offences within a minute that lead to a ban [10]
	Ban     time.Duration // the first one [1m]; each that follows within a day is twice as long
	MaxBan  time.Duration // [24h]
	Rate    float64       // messages a second that one source may send [500]; negative: any number
}

// Ban is a source that is not served for a while.
type Ban struct {
	Addr  netip.Addr
	Why   string
	Until time.Time
	Times int // it was banned, within a day
}

const (
	offenceLife = time.Minute
	banMemory   = 24 * time.Hour
	offenders   = 10000 // remembered; a source costs about 150 bytes
)

// scanners are what tools that look for open systems call themselves.
var scanners = []string{"friendly-scanner", "sipvicious", "sipcli", "sundayddr", "iwar", "sip-scan", "sivus", "pplsip", "vaxsipuseragent",
	"eyebeam release 3006o", "friendly-request"}

// guard remembers who misbehaves.
type guard struct {
	Guard
	mu   sync.Mutex
	seen map[netip.Addr]*offender
}

type offender struct {
	strikes int
	first   time.Time // of the strikes that count
	why     string
	until   time.Time // of the ban
	times   int
	sent    bucket
	last    time.Time
}

func newGuard(g Guard) *guard {
	if g.Strikes <= 0 {
		g.Strikes = 10
	}
	if g.Ban <= 0 {
		g.Ban = time.Minute
	}
	if g.MaxBan <= 0 {
		g.MaxBan = 24 * time.Hour
	}
	if g.Rate == 0 {
		g.Rate = 500
	}
	return &guard{Guard: g, seen: map[netip.Addr]*offender{}}
}

// of returns the record of a source; the mutex is held.
func (g *guard) of(addr netip.Addr, now time.Time) *offender {
	o := g.seen[addr]
	if o == nil {
		if len(g.seen) >= offenders {
			g.forget(now)
		}
		o = &offender{sent: bucket{rate: max(0, g.Rate)}}
		g.seen[addr] = o
	}
	o.last = now
	return o
}

// forget makes room: those that were quiet longest go, and nobody that is banned as long as there is another.
func (g *guard) forget(now time.Time) {
	all := slices.SortedFunc(maps.Keys(g.seen), func(a, b netip.Addr) int {
		x, y := g.seen[a], g.seen[b]
		if banned := now.Before(x.until); banned != now.Before(y.until) {
			if banned {
				return 1
			}
			return -1
		}
		return x.last.Compare(y.last)
	})
	for _, addr := range all[:len(all)/2] {
		delete(g.seen, addr)
	}
}

// admits says whether a message of a source is looked at; else why not.
func (g *guard) admits(addr netip.Addr, now time.Time) (why refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.of(addr, now)
	switch {
	case now.Before(o.until):
		return refusedBanned
	case !o.sent.take(now):
		g.strike(o, refusedFlood, now)
		return refusedFlood
	}
	return ""
}

// offended notes an offence of a source; true: it is banned now.
func (g *guard) offended(addr netip.Addr, why refusal, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.strike(g.of(addr, now), why, now)
}

func (g *guard) strike(o *offender, why refusal, now time.Time) bool {
	if now.Sub(o.first) > offenceLife {
		o.first, o.strikes = now, 0
	}
	if o.strikes++; why == refusedScanner {
		o.strikes = g.Strikes
	}
	if o.strikes < g.Strikes || now.Before(o.until) {
		return false
	}
	if now.Sub(o.until) > banMemory {
		o.times = 0
	}
	length := g.MaxBan
	if o.times < 20 {
		length = min(g.MaxBan, g.Ban<<o.times)
	}
	o.strikes, o.why, o.until = 0, string(why), now.Add(length)
	o.times++
	return true
}

// bans lists who is banned.
func (g *guard) bans(now time.Time) (all []Ban) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for addr, o := range g.seen {
		if now.Before(o.until) {
			all = append(all, Ban{addr, o.why, o.until, o.times})
		}
	}
	slices.SortFunc(all, func(a, b Ban) int { return a.Addr.Compare(b.Addr) })
	return all
}

// Bans lists the sources that are not served for a while.
func (ua *UA) Bans() []Ban { return ua.guard.bans(time.Now()) }

// standing of a source.
type standing int

const (
	stranger standing = iota // not served
	met                      // we called it: it may answer, and speak within the dialog
	served
	trusted // a trunk, or this machine: served whatever it does
)

// standing tells who a source is to us.
func (ua *UA) standing(addr netip.Addr) standing {
	switch {
	case addr.IsLoopback() && ua.allows(addr):
		return trusted
	case slices.ContainsFunc(ua.trunks, func(t *trunk) bool { return t.Challenge.User == "" && t.owns(addr) }):
		return trusted
	case ua.allows(addr), slices.ContainsFunc(ua.trunks, func(t *trunk) bool { return t.owns(addr) }):
		return served
	}
	ua.mu.Lock()
	defer ua.mu.Unlock()
	if ua.called[addr] > 0 {
		return met
	}
	return stranger
}

func (ua *UA) allows(addr netip.Addr) bool {
	return slices.ContainsFunc(ua.cfg.Allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// offence notes that a source misbehaved.
func (ua *UA) offence(addr netip.Addr, why refusal) {
	if ua.standing(addr) != served || !ua.guard.offended(addr, why, time.Now()) {
		return
	}
	ua.metrics.bans.WithLabelValues(string(why)).Inc()
	ua.log.Warn("banned", "source", addr.String(), "reason", why, "setting", setting[refusedBanned])
}

// scanner says whether a message is of a tool that looks for open systems.
func scanner(l *letter) bool {
	mark := strings.ToLower(l.get("user-agent") + "\n" + l.get("from") + "\n" + l.get("contact"))
	return slices.ContainsFunc(scanners, func(s string) bool { return strings.Contains(mark, s) })
}

// addrOf is the IP address of a socket address; not valid when it has none.
func addrOf(a net.Addr) netip.Addr {
	at, _ := netip.ParseAddrPort(a.String())
	return at.Addr().Unmap()
}
