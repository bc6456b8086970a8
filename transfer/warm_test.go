package transfer

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var ana = Seat{"7", "Ana", "sip:seat7@127.0.0.1:5070"}

// walk feeds events to a fresh machine and returns it with the actions of the last one.
func walk(events ...Event) (w *Warm, last []Action) {
	w = NewWarm(Limits{})
	for _, ev := range events {
		last = w.Step(ev)
	}
	return w, last
}

// The ways into each state.
var (
	queued     = []Event{Started{}}
	consulting = append(slices.Clone(queued), SeatReserved{ana})
	briefing   = append(slices.Clone(consulting), SeatAnswered{1})
	reminding  = append(slices.Clone(briefing), seatTimeout(AcceptLimit, 1))
	joining    = append(slices.Clone(briefing), SeatAccepted{1})
	connected  = append(slices.Clone(joining), Bridged{1})
)

func seatTimeout(l Limit, try int) Event { return Timeout{Timer{l, try}} }

func after(way []Event, events ...Event) []Event { return append(slices.Clone(way), events...) }

// show is a list of actions as one readable line, without timers.
func show(do []Action) string {
	var words []string
	for _, a := range do {
		switch a := a.(type) {
		case StartTimer, StopTimer:
		case RingSeat:
			words = append(words, fmt.Sprintf("ring %s", a.Seat.ID))
		case SpeakBrief:
			words = append(words, "brief")
		case Bridge:
			words = append(words, "bridge")
		case HangUpSeat:
			words = append(words, fmt.Sprintf("hang up seat %d: %s", a.Try, a.Why))
		case ReportSeat:
			words = append(words, strings.TrimSpace(fmt.Sprintf("seat %s %s", a.State, a.Why)))
		case ReturnToBot:
			words = append(words, fmt.Sprintf("bot: %s", a.Outcome))
		default:
			words = append(words, strings.TrimPrefix(fmt.Sprintf("%T", a), "transfer."))
		}
	}
	return strings.Join(words, ", ")
}

// edges is the whole machine by example: what happened, where that leads, and what is to be done on arrival.
var edges = map[string]struct {
	events []Event
	state  State
	do     string
}{
	"idle -> queued: hold music and a seat is sought": {queued, Queued, "PlayHold, ReserveSeat"},
	"idle -> ended: caller gone at once":              {[]Event{CallerGone{}}, Ended, ""},

	"queued -> consulting: the reserved seat rings": {consulting, Consulting, "seat ringing, ring 7"},
	"queued -> returned: nobody could come":         {after(queued, NoSeat{}), Returned, "bot: no seat"},
	"queued -> returned: waited too long":           {after(queued, timeout(WaitLimit)), Returned, "bot: gave up waiting"},
	"queued -> returned: the caller asked":          {after(queued, CallerAsked{}), Returned, "bot: left the queue"},
	"queued -> ended: the caller hung up":           {after(queued, CallerGone{}), Ended, ""},
	"queued: a sentence now and then":               {after(queued, timeout(AnnounceLimit)), Queued, "TellCaller"},
	"queued: music goes on after it":                {after(queued, timeout(AnnounceLimit), CallerTold{}), Queued, "PlayHold"},

	"consulting -> briefing: the seat answered": {briefing, Briefing, "brief"},
	"consulting -> queued: busy, there is no leg to end": {
		after(consulting, SeatRefused{1, Busy}), Queued, "seat free busy, ReserveSeat"},
	"consulting -> queued: no answer in time": {
		after(consulting, seatTimeout(RingLimit, 1)), Queued, "hang up seat 1: no answer, seat free no answer, ReserveSeat"},
	"consulting -> queued: answered and gone before we knew": {
		after(consulting, SeatGone{1}), Queued, "seat free hung up, ReserveSeat"},
	"consulting -> returned: no answer and waited too long": {
		after(consulting, timeout(WaitLimit), seatTimeout(RingLimit, 1)), Returned,
		"hang up seat 1: no answer, seat free no answer, bot: gave up waiting"},
	"consulting: a seat being called may still take it when time is up": {
		after(consulting, timeout(WaitLimit), SeatAnswered{1}), Briefing, "brief"},
	"consulting -> returned: the caller asked": {
		after(consulting, CallerAsked{}), Returned, "hang up seat 1: caller left the queue, seat free, bot: left the queue"},
	"consulting -> ended: the caller hung up, the seat is cancelled": {
		after(consulting, CallerGone{}), Ended, "hang up seat 1: caller hung up, seat free"},

	"briefing -> joining: accepted":            {joining, Joining, "bridge"},
	"briefing -> joining: accepted at the end": {after(briefing, BriefHeard{1}, SeatAccepted{1}), Joining, "bridge"},
	"briefing -> queued: declined": {
		after(briefing, SeatDeclined{1}), Queued, "hang up seat 1: declined, seat free declined, ReserveSeat"},
	"briefing -> queued: a voicemail": {
		after(briefing, SeatRefused{1, Voicemail}), Queued, "hang up seat 1: voicemail, seat free voicemail, ReserveSeat"},
	"briefing -> queued: the seat hung up": {
		after(briefing, SeatGone{1}), Queued, "seat free hung up, ReserveSeat"},
	"briefing -> reminding: no key, once more": {reminding, Reminding, "brief"},
	"reminding -> queued: no key again": {
		after(reminding, BriefHeard{1}, seatTimeout(AcceptLimit, 1)), Queued,
		"hang up seat 1: did not react, seat free did not react, ReserveSeat"},
	"reminding -> queued: declined": {
		after(reminding, SeatDeclined{1}), Queued, "hang up seat 1: declined, seat free declined, ReserveSeat"},
	"reminding -> queued: a voicemail": {
		after(reminding, SeatRefused{1, Voicemail}), Queued, "hang up seat 1: voicemail, seat free voicemail, ReserveSeat"},
	"reminding -> queued: the seat hung up": {after(reminding, SeatGone{1}), Queued, "seat free hung up, ReserveSeat"},
	"reminding -> returned: the caller asked": {
		after(reminding, CallerAsked{}), Returned, "hang up seat 1: caller left the queue, seat free, bot: left the queue"},
	"reminding -> ended: the caller hung up": {
		after(reminding, CallerGone{}), Ended, "hang up seat 1: caller hung up, seat free"},
	"reminding -> joining: accepted": {after(reminding, SeatAccepted{1}), Joining, "bridge"},
	"briefing -> returned: the caller asked": {
		after(briefing, CallerAsked{}), Returned, "hang up seat 1: caller left the queue, seat free, bot: left the queue"},
	"briefing -> ended: the caller hung up": {
		after(briefing, CallerGone{}), Ended, "hang up seat 1: caller hung up, seat free"},
	"briefing: no sentence to the caller who is about to be joined": {
		after(briefing, timeout(AnnounceLimit)), Briefing, ""},

	"joining -> connected: both hear each other": {connected, Connected, "seat talking"},
	"joining -> queued: seat gone, music again": {
		after(joining, SeatGone{1}), Queued, "seat free hung up, PlayHold, ReserveSeat"},
	"joining -> queued: bridging failed": {
		after(joining, seatTimeout(JoinLimit, 1)), Queued,
		"hang up seat 1: unreachable, seat free unreachable, PlayHold, ReserveSeat"},
	"joining -> ended: the caller hung up": {
		after(joining, CallerGone{}), Ended, "hang up seat 1: caller hung up, seat free"},
	"joining: no music over the voices": {after(joining, CallerTold{}), Joining, ""},

	"connected -> ended: the seat hung up": {after(connected, SeatGone{1}), Ended, "seat wrap-up, HangUpCaller"},
	"connected -> ended: the caller hung up": {
		after(connected, CallerGone{}), Ended, "hang up seat 1: caller hung up, seat wrap-up"},

	"late: a seat answers after its ring limit": {
		after(consulting, seatTimeout(RingLimit, 1), SeatAnswered{1}), Queued, "hang up seat 1: answered too late"},
	"late: a seat answers while the next one rings": {
		after(consulting, seatTimeout(RingLimit, 1), SeatReserved{ana}, SeatAnswered{1}), Consulting,
		"hang up seat 1: answered too late"},
	"late: a seat answers after the caller hung up": {
		after(consulting, CallerGone{}, SeatAnswered{1}), Ended, "hang up seat 1: answered too late"},
	"late: a seat is reserved after the caller hung up": {
		after(queued, CallerGone{}, SeatReserved{ana}), Ended, "seat free"},
	"late: the last seat's end is not the next one's": {
		after(consulting, seatTimeout(RingLimit, 1), SeatReserved{ana}, SeatGone{1}), Consulting, ""},
	"late: the last seat's key is not the next one's": {
		after(briefing, SeatGone{1}, SeatReserved{ana}, SeatAnswered{2}, SeatAccepted{1}), Briefing, ""},
}

func TestTheMachineTakesEachEdge(t *testing.T) {
	taken := map[edge]bool{}
	for name, c := range edges {
		t.Run(name, func(t *testing.T) {
			w, do := walk(c.events...)
			if w.State() != c.state || show(do) != c.do {
				t.Errorf("%s, does %q\nwant %s, does %q", w.State(), show(do), c.state, c.do)
			}
		})
		w := NewWarm(Limits{})
		for _, ev := range c.events {
			taken[edge{w.State(), ev.bare()}] = true
			w.Step(ev)
		}
	}
	for e := range next {
		if !taken[e] {
			t.Errorf("no example takes %s on %T", e.from, e.on)
		}
	}
}

// Each action that something is waited for, with what comes of it and the timer that runs out when nothing does.
func TestEveryActionIsAnsweredOrTimesOut(t *testing.T) {
	type wait struct {
		way     []Event // after which it is returned
		answers []Event
		timer   Timer
	}
	wait4 := Timer{Limit: WaitLimit}
	waits := map[string]wait{
		"ReserveSeat": {way: queued, answers: []Event{SeatReserved{ana}, NoSeat{}}, timer: wait4},
		"RingSeat":    {way: consulting, answers: []Event{SeatAnswered{1}, SeatRefused{1, Busy}}, timer: Timer{RingLimit, 1}},
		"SpeakBrief": {way: briefing, timer: Timer{AcceptLimit, 1},
			answers: []Event{BriefHeard{1}, SeatAccepted{1}, SeatDeclined{1}, SeatGone{1}}},
		"Bridge":     {way: joining, answers: []Event{Bridged{1}, SeatGone{1}}, timer: Timer{JoinLimit, 1}},
		"TellCaller": {way: after(queued, timeout(AnnounceLimit)), answers: []Event{CallerTold{}}, timer: wait4},
		"PlayHold":   {way: queued, answers: []Event{timeout(AnnounceLimit), CallerAsked{}}, timer: wait4},
		"StartTimer": {way: queued, answers: []Event{timeout(WaitLimit), timeout(AnnounceLimit)}, timer: wait4},
	}
	// Performed at once, or the last of the hand-over: nothing waits for them.
	atOnce := []string{"StopTimer", "ReportSeat", "HangUpSeat", "HangUpCaller", "ReturnToBot"}

	for _, name := range actionTypes(t) {
		c, ok := waits[name]
		if !ok {
			if !slices.Contains(atOnce, name) {
				t.Errorf("nothing says what answers %s", name)
			}
			continue
		}
		_, do := walk(c.way...)
		if !slices.ContainsFunc(do, func(a Action) bool { return reflect.TypeOf(a).Name() == name }) {
			t.Errorf("%s is not among %v", name, do)
		}
		for _, ev := range append(c.answers, Timeout{c.timer}) {
			w, _ := walk(c.way...)
			before := w.State()
			if do := w.Step(ev); w.State() == before && len(do) == 0 {
				t.Errorf("%s: %#v changes nothing", name, ev)
			}
		}
		if !running(c.way)[c.timer] {
			t.Errorf("%s: nothing started the timer %v", name, c.timer)
		}
	}
}

// running are the timers that run after events.
func running(events []Event) map[Timer]bool {
	w, timers := NewWarm(Limits{}), map[Timer]bool{}
	for _, ev := range events {
		for _, a := range w.Step(ev) {
			switch a := a.(type) {
			case StartTimer:
				timers[a.Timer] = true
			case StopTimer:
				delete(timers, a.Timer)
			}
		}
	}
	return timers
}

// actionTypes are all types of the package with an action method, from its sources.
func actionTypes(t *testing.T) (names []string) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "action" {
				names = append(names, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("found only the actions %v", names)
	}
	return names
}

func TestNoTimerRunsWhenTheMachineIsOver(t *testing.T) {
	ways := [][]Event{queued, consulting, briefing, reminding, joining, connected}
	ends := []Event{NoSeat{}, CallerGone{}, CallerAsked{}, SeatGone{1}, timeout(WaitLimit)}
	for _, way := range ways {
		for _, end := range ends {
			w, _ := walk(after(way, end)...)
			if left := running(after(way, end)); w.Over() && len(left) > 0 {
				t.Errorf("after %v these run: %v", after(way, end), left)
			}
		}
	}
}

func TestASeatHasTimeToDecideAfterTheBriefWhateverItsLength(t *testing.T) {
	_, do := walk(after(briefing, BriefHeard{1})...)
	want := []Action{StartTimer{Timer{AcceptLimit, 1}, 8 * time.Second}}
	if !reflect.DeepEqual(do, want) {
		t.Errorf("after the brief %v, want %v", do, want)
	}
}

func TestTheMachineRemembersWhoDidNotComeAndWhoDid(t *testing.T) {
	bo := Seat{"9", "Bo", "sip:seat9@127.0.0.1:5070"}
	w, _ := walk(after(consulting, SeatRefused{1, Busy}, SeatReserved{bo}, SeatAnswered{2}, SeatDeclined{2},
		SeatReserved{ana}, SeatAnswered{3}, SeatAccepted{3}, Bridged{3}, SeatGone{3})...)
	if got, want := w.Tried(), []Attempt{{ana, Busy}, {bo, Declined}}; !slices.Equal(got, want) {
		t.Errorf("tried %v, want %v", got, want)
	}
	if w.Seat() != ana || w.Outcome() != Joined {
		t.Errorf("seat %v, outcome %q; want Ana, joined", w.Seat(), w.Outcome())
	}
}
