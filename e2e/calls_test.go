//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ivr/media"
)

func TestARoutineQuestionIsAnsweredWithTheFactsOfTheBackEnd(t *testing.T) {
	h := open(t, settings{})
	ours := filepath.Join(h.data, "ours.wav")
	k := h.call("--say", "where is my parcel four five one two", "--say", "no thank you, goodbye", "--record", ours)
	if k.Exit != 0 {
		t.Fatalf("exit %d:\n%s", k.Exit, k.Output)
	}
	contains(t, "the caller heard", k.said("heard"), "with you today", "between two and four in the afternoon")
	contains(t, "the recording of the caller holds", transcript(t, ours, 1), "with you today", "between two and four")

	r := h.records(1)[0]
	contains(t, "the house's recording, left", transcript(t, r.Recording, 0), "where is my parcel")
	contains(t, "the house's recording, right", transcript(t, r.Recording, 1), "with you today", "between two and four")
	if r.Turns[1].Intent != "track" {
		t.Errorf("recorded as %+v", r.Turns)
	}
	t.Logf("reply gap: %d ms heard by the caller, %.0f ms in the record", k.Summary.MedianGapMS, r.ReplyGap)
}

// The gap that the caller hears and the one that the house measures are the same.
func TestTheReplyGapIsTheSameSeenFromBothEnds(t *testing.T) {
	h := open(t, settings{})
	k := h.call("--say", "what are your opening hours", "--say", "where is my parcel four five one two", "--say", "how much is a parcel to france")
	var theirs []float64
	for _, turn := range h.records(1)[0].Turns {
		if turn.Gap > 0 {
			theirs = append(theirs, turn.Gap)
		}
	}
	ours := k.gaps()
	if len(ours) < 2 || len(theirs) < len(ours) {
		t.Fatalf("gaps %v and %v:\n%s", ours, theirs, k.Output)
	}
	for i := range ours {
		if d := math.Abs(float64(ours[i]) - theirs[i]); d > 60 {
			t.Errorf("reply %d: %d ms heard, %.0f ms recorded", i+1, ours[i], theirs[i])
		}
	}
	slices.Sort(ours)
	t.Logf("median reply gap %d ms of %v", ours[len(ours)/2], ours)
}

// The three calls of make demo: each party's recordings hold what it had to hear, and caller and seat hear each other.
func TestTheDemoAnswersAndHandsOverWarm(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	h.perform(t)
	reasons := map[string]string{}
	for _, r := range h.records(3) {
		for _, o := range r.Handovers {
			reasons[o.Reason] = o.Outcome + " " + o.Seat
		}
	}
	if reasons["anger"] != "joined 2" || reasons["unmatched"] != "joined 1" || len(reasons) != 2 {
		t.Errorf("handed over: %v", reasons)
	}
}

// What caller and seat said after they were joined is in the house's recording, each on its side.
func TestTheHouseRecordsWhatJoinedPartiesSay(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	h.perform(t, `
bot     says how can I help you
caller  says "can I talk to a person please"
bot     says getting a colleague
bot     hands over service, because asked
seat 1  rings 1s, answers, hears press one to take the call
seat 1  presses 1
bridge  caller + seat 1
seat 1  says "good morning, your parcel is late"
caller  hears your parcel is late
caller  says "my kitchen window is broken"
seat 1  hears window is broken
seat 1  hangs up
end     seat hung up
`)
	r := h.records(1)[0]
	contains(t, "the caller's side", transcript(t, r.Recording, 0), "window is broken")
	contains(t, "the other side", transcript(t, r.Recording, 1), "how can I help you", "your parcel is late")
}

func TestEachReasonLeadsToTheRightQueue(t *testing.T) {
	for _, c := range []struct {
		name, reason, queue string
		args                []string
	}{
		{"asked in words", "asked", "", []string{"--say", "can I talk to a real person please"}},
		{"key zero", "key", "", []string{"--keys", "0"}},
		{"unmatched twice", "unmatched", "", []string{"--say", "my cat likes to sing in the garden", "--say", "what is the capital of mongolia"}},
		{"sensitive", "sensitive", "", []string{"--say", "I was injured by your driver"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, settings{})
			first := h.seat(0, "--calls", "1", "--hang-up-after", "1s")
			h.seat(1, "--calls", "1", "--hang-up-after", "1s")
			k := h.call(append(c.args, "--hang-up-after", "25s")...)
			r := h.records(1)[0]
			if len(r.Handovers) != 1 || r.Handovers[0].Reason != c.reason || r.Handovers[0].Outcome != "joined" {
				t.Errorf("handed over %+v:\n%s", r.Handovers, k.Output)
			}
			select {
			case <-first:
			default: // the other seat took it
			}
		})
	}
}

func TestABackEndThatHangsLeadsToAPersonAndNoOtherCallNotices(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	h.seat(0, "--calls", "1", "--hang-up-after", "1s")
	resp, err := http.Post("http://"+h.parcels+"/fault", "application/json", strings.NewReader(`{"mode":"hang"}`))
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	beside := h.callAsync(h.uri(), "--say", "what are your opening hours")
	k := h.call("--say", "where is my parcel four five one two", "--hang-up-after", "30s")
	if b := <-beside; b.Exit != 0 || len(b.gaps()) == 0 || b.gaps()[0] > 2500 {
		t.Errorf("the call beside it: %s", b.Output)
	}
	for _, r := range h.records(2) {
		if len(r.Handovers) == 1 && r.Handovers[0].Reason == "backend" && r.Handovers[0].Outcome == "joined" {
			return
		}
	}
	t.Errorf("not handed over:\n%s", k.Output)
}

func TestASeatThatIsBusyOrDeclinesIsFollowedByTheNext(t *testing.T) {
	for _, how := range []string{"--busy", "--decline"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			h := open(t, settings{})
			h.seat(0, "--calls", "1", how)
			h.seat(1, "--calls", "1", "--hang-up-after", "1s")
			k := h.call("--say", "a person please", "--hang-up-after", "40s")
			r := h.records(1)[0]
			if len(r.Handovers) != 1 || r.Handovers[0].Seat != "2" || len(r.Handovers[0].Tried) != 1 {
				t.Errorf("handed over %+v:\n%s", r.Handovers, k.Output)
			}
		})
	}
}

func TestWithoutSeatsTheCallerLeavesAMessageThatIsKept(t *testing.T) {
	t.Parallel()
	h := open(t, settings{wait: "4s"})
	h.perform(t, `
bot     says how can I help you
caller  says "a person please"
seat 1  is busy
seat 2  is busy
bot     says nobody is free
caller  keys 1
bot     says leave your message
caller  waits 1s
caller  says "please call me back about my broken window"
caller  keys #
bot     says get back to you
bot     hangs up
`)
	r := h.records(1)[0]
	if r.Cause != "message left" || r.Message == "" {
		t.Fatalf("ended because %q, message %q", r.Cause, r.Message)
	}
	contains(t, "the message", transcript(t, r.Message, 0), "broken window")
}

func TestACallerWhoHangsUpAtAnyMomentLeavesNoLegBehind(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	h.seat(0)
	h.seat(1)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			h.call("--say", "a person please", "--timeout", fmt.Sprintf("%dms", 1500+2500*i))
		})
	}
	wg.Wait()
	for until := time.Now().Add(15 * time.Second); h.metric("ivr_sip_legs") > 0; <-time.After(200 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%v legs are left, %v calls", h.metric("ivr_sip_legs"), h.metric("ivr_calls_active"))
		}
	}
}

// What else runs on the machine delays packets too, so the better of two rounds counts.
func TestTwentyCallersAtOnceAreAllAnsweredAndNothingIsGarbled(t *testing.T) {
	h := open(t, settings{})
	phones := newLightPhones(t)
	question := spoken(t, "where is my parcel four five one two")
	const rounds, most = 2, 0.001
	late := 1.0
	for round := range rounds {
		if late = min(late, h.twentyCallers(t, phones, question, round)); late <= most {
			return
		}
	}
	t.Errorf("%.3f %% of the packets were sent late", 100*late)
}

// twentyCallers ask at once; it returns the share of packets that were sent late.
func (h *house) twentyCallers(t *testing.T, phones *lightPhones, question *media.Prompt, round int) float64 {
	t.Helper()
	const callers = 20
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			if err := phones.call(t.Context(), h.uri(), 5*time.Second, question, 12*time.Second); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	late, sent := 0, 0
	var gaps []float64
	for _, r := range h.records((round + 1) * callers)[:callers] {
		gaps = append(gaps, r.ReplyGap)
		late += r.RTP.SentLate
		sent += r.RTP.Sent
		contains(t, "each caller is told", transcript(t, r.Recording, 1), "with you today", "between two and four")
	}
	slices.Sort(gaps)
	t.Logf("%d of %d packets sent late (%.3f %%); reply gap in the median %.0f ms, at most %.0f ms",
		late, sent, 100*float64(late)/float64(sent), gaps[len(gaps)/2], gaps[len(gaps)-1])
	return float64(late) / float64(sent)
}

func TestCallsAboveTheLimitGet503AndAreCounted(t *testing.T) {
	t.Parallel()
	h := open(t, settings{maxCalls: 1})
	first := h.callAsync(h.uri(), "--say", "what are your opening hours", "--hang-up-after", "3s")
	for until := time.Now().Add(20 * time.Second); h.metric("ivr_calls_active") < 1 && time.Now().Before(until); {
		<-time.After(50 * time.Millisecond)
	}
	k := h.call("--say", "hello")
	if k.Exit == 0 || !strings.Contains(k.Output, "503") {
		t.Errorf("the second call: exit %d\n%s", k.Exit, k.Output)
	}
	if n := h.metric(`ivr_sip_refused_total{reason="too many calls"}`); n < 1 {
		t.Errorf("%v counted", n)
	}
	if k := <-first; k.Exit != 0 {
		t.Errorf("the first call: %s", k.Output)
	}
}

func TestSIGTERMLetsACallInProgressFinishAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	going := h.callAsync(h.uri(), "--say", "what are your opening hours", "--say", "goodbye")
	for until := time.Now().Add(20 * time.Second); h.metric("ivr_calls_active") < 1 && time.Now().Before(until); {
		<-time.After(50 * time.Millisecond)
	}
	h.cmd.Process.Signal(syscall.SIGTERM)
	<-time.After(300 * time.Millisecond)
	if k := h.call("--say", "hello"); k.Exit == 0 || !strings.Contains(k.Output, "503") {
		t.Errorf("a new call while draining: exit %d\n%s", k.Exit, k.Output)
	}
	k := <-going
	contains(t, "the call in progress", k.said("heard"), "open")
	if err := <-h.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	h.ended <- nil // for the clean-up
}

// Garbage beside a call changes nothing for it.
func TestSIPAndRTPGarbageBesideACallIsCountedAndNotHeard(t *testing.T) {
	h := open(t, settings{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() { throwGarbage(t, h.sip, stop) })
	k := h.call("--say", "where is my parcel four five one two")
	if k.Exit != 0 {
		t.Errorf("exit %d:\n%s", k.Exit, k.Output)
	}
	contains(t, "the caller heard", k.said("heard"), "between two and four")
	if lost := h.records(1)[0].RTP.Lost; lost > 2 {
		t.Errorf("%d packets lost", lost)
	}
}

func throwGarbage(t *testing.T, sip string, stop <-chan struct{}) {
	var messages [][]byte
	for _, set := range []string{"rfc4475", "rfc5118"} {
		files, _ := filepath.Glob(filepath.Join(root("../shared/data/sip_torture"), set, "*"))
		for _, f := range files {
			if data, err := os.ReadFile(f); err == nil {
				messages = append(messages, data)
			}
		}
	}
	messages = append(messages, []byte("INVITE sip:4000@x SIP/2.0\r\n\r\n"), []byte("\x00\x01\x02"), make([]byte, 1200), []byte("SIP/2.0 200 OK\r\n\r\n"))
	conn, err := net.Dial("udp", sip)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	// Strangers also send to every RTP port there might be.
	var rtp []net.Conn
	for port := 30000; port < 30040; port += 2 {
		if c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer c.Close()
			rtp = append(rtp, c)
		}
	}
	fake := append([]byte{0x80, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4}, make([]byte, 160)...)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
		conn.Write(messages[i%len(messages)])
		for _, c := range rtp {
			c.Write(fake)
			c.Write(messages[i%len(messages)][:min(40, len(messages[i%len(messages)]))])
		}
	}
}
