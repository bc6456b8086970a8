package sip

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// reasons are all constants of the type refusal.
func reasons(t *testing.T) (all []refusal) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "refuse.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "refusal" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, refusal(text))
		}
		return true
	})
	if len(all) < 15 {
		t.Fatalf("only %d reasons found", len(all))
	}
	return all
}

// FIELD 7: a call that is refused without a reason that anybody can find.
func TestEveryRefusalHasAReasonAndASetting(t *testing.T) {
	for _, why := range reasons(t) {
		if setting[why] == "" {
			t.Errorf("%q has no setting that decides it", why)
		}
	}
	for why := range setting {
		if got := settingOf(why, &trunk{Trunk: Trunk{Name: "carrier"}}); strings.Contains(got, "NAME") {
			t.Errorf("%q: %s", why, got)
		}
	}
}

// FIELD 7: each refusal is in the log, in the metrics and in the list, with its source and its setting.
func TestARefusalIsFoundInLogMetricsAndList(t *testing.T) {
	offer := func(p *peer) string { return p.sdp() }
	for name, test := range map[string]struct {
		trunk   Trunk
		cfg     Config
		reason  refusal
		setting string
		busy    bool // a call is there already
		from    string
		body    func(*peer) string
	}{
		"trunk full":     {trunk: Trunk{MaxCalls: 1}, reason: refusedTrunkFull, setting: "trunks.carrier.max_calls", busy: true},
		"trunk too fast": {trunk: Trunk{CallRate: 0.5}, reason: refusedTrunkRate, setting: "trunks.carrier.call_rate", busy: true},
		"house full":     {cfg: Config{MaxCalls: 1}, reason: refusedFull, setting: "sip.max_calls", busy: true},
		"no codec": {reason: refusedMedia, setting: setting[refusedMedia], body: func(p *peer) string {
			return strings.Replace(p.sdp(), "0 8 101", "3", 1)
		}},
		"clear audio":    {trunk: Trunk{SRTP: SRTPRequire}, reason: refusedSRTP, setting: "trunks.carrier.srtp"},
		"unknown source": {reason: refusedSource, setting: "sip.allow", from: "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			test.trunk.Name, test.trunk.Sources = "carrier", []netip.Prefix{peers}
			test.cfg.Trunks, test.cfg.Log = []Trunk{test.trunk}, slog.New(slog.NewTextHandler(&log, nil))
			inFakeTime(t, test.cfg, nil, func(w *world) {
				p := w.peerAt(netip.AddrPortFrom(netip.MustParseAddr(orDefault(test.from, "192.0.2.20")), 5060))
				var first *dialog
				if test.busy {
					first = p.confirmed()
				}
				body := offer
				if test.body != nil {
					body = test.body
				}
				d := p.callWith(body(p))
				if test.from == "" {
					d.ackFailure(d.response("INVITE"))
				}
				<-time.After(100 * time.Millisecond)
				synctest.Wait()
				trunk := "carrier"
				if test.from != "" {
					trunk = ""
				}
				all := w.ua.Refusals()
				if len(all) != 1 || all[0].Reason != string(test.reason) || all[0].Setting != test.setting || all[0].Source != p.at.Addr() ||
					all[0].Trunk != trunk || all[0].Count != 1 {
					t.Errorf("%+v", all)
				}
				if w.counted("ivr_sip_refused_total", string(test.reason)) != 1 ||
					trunk != "" && w.counted("ivr_sip_trunk_refused_total", string(test.reason), trunk) != 1 {
					t.Error("not counted once")
				}
				for _, part := range []string{string(test.reason), p.at.Addr().String(), test.setting} {
					if !strings.Contains(log.String(), part) {
						t.Errorf("the log does not say %q:\n%s", part, &log)
					}
				}
				if first != nil {
					first.bye()
				}
			})
		})
	}
}

func TestAnUnknownNumberIsARefusalOfItsTrunk(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "carrier", Sources: []netip.Prefix{peers}}}}
	inFakeTime(t, cfg, func(_ context.Context, l *Leg) { l.Reject(404, "Not Found") }, func(w *world) {
		d := w.peer().callTo("00123")
		d.ackFailure(d.want("404 INVITE"))
		synctest.Wait()
		if r := w.ua.Refusals(); len(r) != 1 || r[0].Setting != "bots" || r[0].Trunk != "carrier" || w.ua.Trunks()[0].Refused != 1 {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheListOfRefusalsIsBoundedAndKeepsThoseOfTrunks(t *testing.T) {
	l := newLedger()
	now := time.Now()
	l.note(Refusal{Trunk: "carrier", Reason: "too many calls on the trunk"}, now)
	for i := range 3 * ledgerRows {
		l.note(Refusal{Source: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Reason: "unknown source"}, now.Add(time.Duration(i)))
	}
	if len(l.rows) > ledgerRows || l.rows[ledgerKey{"carrier", netip.Addr{}, "too many calls on the trunk"}] == nil {
		t.Errorf("%d rows", len(l.rows))
	}
}
