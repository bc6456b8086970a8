package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/records"
)

var callStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.Local)

func recorded(id string) records.Call {
	at := func(s float64) time.Time { return callStart.Add(time.Duration(s * float64(time.Second))) }
	return records.Call{
		ID: id, Caller: "07700900123", Name: "Maria", Called: "4000", Bot: "courier.yaml",
		Started: callStart, Answered: at(0.1), Ended: at(31.1), Cause: "seat hung up", Mood: 0.8, Recording: "var/one.wav",
		Turns: []records.Turn{
			{At: at(0.2), Who: "bot", Text: "Good morning."},
			{At: at(4), Who: "caller", Text: "it is a disgrace", Intent: "complaint", Score: 0.914, Outcome: "hand-over",
				Step: "start", Anger: 0.8, Gap: records.Gap{Total: 710 * time.Millisecond, Decided: 400 * time.Millisecond,
					Recognised: 200 * time.Millisecond, Spoken: 110 * time.Millisecond}},
			{At: at(16), Who: "seat 9", Text: ""},
		},
		Handovers: []records.Handover{{At: at(5), Queue: "complaints", Reason: "anger", Detail: `said "disgrace"`, Seat: "9",
			Outcome: "joined", Brief: "Angry caller Maria.", Waited: 9 * time.Second, ToSeat: 9 * time.Second,
			Tried: []string{"7: busy"}}},
		RTP: records.RTP{Sent: 1500, SentLate: 1, Received: 998, Lost: 2, Late: 3, Jitter: 1300 * time.Microsecond, MOS: 4.38, WorstMOS: 4.1, FarMOS: 4.2, RoundTrip: 12 * time.Millisecond, Crypto: "AES_CM_128_HMAC_SHA1_80"},
	}
}

// runCalls runs the command on a file that holds calls and returns what it prints.
func runCalls(t *testing.T, calls []records.Call, args ...string) (string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "var")
	if len(calls) > 0 {
		store, err := records.Open(filepath.Join(dir, "ivr.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			if err := store.Save(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cmd := newCallsCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(append(args, "--data", dir))
	err := cmd.ExecuteContext(t.Context())
	if len(calls) == 0 {
		if _, err := os.Stat(dir); err == nil {
			t.Error("looking made the folder")
		}
	}
	return out.String(), err
}

func TestCallsAreListedInOneLineEach(t *testing.T) {
	plain := records.Call{ID: "b7", Started: callStart.Add(time.Hour), Ended: callStart.Add(time.Hour + 5*time.Second), Cause: "caller hung up"}
	out, err := runCalls(t, []records.Call{recorded("3f9a0000aaaa1"), recorded("3f9a0000aaaa2"), plain})
	if err != nil {
		t.Fatal(err)
	}
	want := `STARTED              ID             CALLER       LENGTH  TURNS  REPLY   WANTED     HAND-OVER             ENDED
2026-03-02 10:00:00  b7             withheld     5s      0      -       -          -                     caller hung up
2026-03-02 09:00:00  3f9a0000aaaa1  07700900123  31s     1      710 ms  complaint  anger: joined seat 9  seat hung up
2026-03-02 09:00:00  3f9a0000aaaa2  07700900123  31s     1      710 ms  complaint  anger: joined seat 9  seat hung up
`
	if out != want {
		t.Errorf("prints\n%s\nwant\n%s", out, want)
	}
}

func TestOneCallIsShownAsAConversation(t *testing.T) {
	out, err := runCalls(t, []records.Call{recorded("3f9a")}, "show", "3f")
	if err != nil {
		t.Fatal(err)
	}
	want := `Call 3f9a
  caller     Maria, 07700900123
  called     4000 (courier.yaml)
  started    2026-03-02 09:00:00, answered after 0.1 s
  ended      seat hung up after 31s
  replies    710 ms in the median
  anger      0.80 at the highest
  audio      received 998 packets, lost 2 (0.20 %), late 3, jitter 1.3 ms; sent 1500, late 1; MOS 4.4, at worst 4.1, at the far end 4.2, round trip 12 ms; AES_CM_128_HMAC_SHA1_80
  recording  var/one.wav

  0:00.2  bot        Good morning.
  0:04.0  caller     it is a disgrace
                     - hand-over complaint 0.91, at start, anger 0.80
                     - reply after 710 ms: end of turn 400 ms, words 200 ms, meaning 0 ms, voice 110 ms
  0:05.0  hand-over  to complaints because anger, said "disgrace"
                     - tried seat 7: busy
                     - told the seat "Angry caller Maria."
                     - joined seat 9 after 9.0 s
  0:16.0  seat 9     (no words)
`
	if out != want {
		t.Errorf("prints\n%s\nwant\n%s", out, want)
	}
}

func TestCallsAreJSONForOtherPrograms(t *testing.T) {
	out, err := runCalls(t, []records.Call{recorded("3f9a")}, "show", "3f9a", "--json")
	var c callJSON
	if err := errors.Join(err, json.Unmarshal([]byte(out), &c)); err != nil {
		t.Fatal(err)
	}
	if c.ReplyGap != 710 || c.Turns[1].Decided != 400 || c.Handovers[0].ToSeat != 9000 || c.RTP.Jitter != 1.3 {
		t.Errorf("prints %s", out)
	}
	if out, err := runCalls(t, nil, "--json"); err != nil || out != "[]\n" {
		t.Errorf("no calls are %q, %v; want []", out, err)
	}
}

func TestNoCallsAreAnInvitation(t *testing.T) {
	if out, err := runCalls(t, nil); err != nil || !strings.Contains(out, "bin/ivr call sip:4000@127.0.0.1:5060") {
		t.Errorf("prints %q, %v", out, err)
	}
	for _, args := range [][]string{{"--since", "1h"}, {"--reason", "asked"}, {"--cause", "done"}, {"--outcome", "no seat"}, {"--caller", "1"}} {
		if out, err := runCalls(t, []records.Call{recorded("a")}, args...); err != nil || !strings.HasPrefix(out, "No call matches") {
			t.Errorf("%v: prints %q, %v", args, out, err)
		}
	}
}

func TestMistakesInWhatWasTypedAreTold(t *testing.T) {
	calls := []records.Call{recorded("aa1"), recorded("aa2")}
	for want, args := range map[string][]string{
		"to see one call: ivr calls show ID":        {"aa1"},
		"wants a number of calls":                   {"--limit", "-1"},
		"wants a time back from now":                {"--since", "-1h"},
		"wants one argument, the ID of a call":      {"show"},
		`more than one call begins with that: "aa"`: {"show", "aa"},
	} {
		_, err := runCalls(t, calls, args...)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want the usage error %q", args, err, want)
		}
	}
	for want, args := range map[string][]string{
		`no such call: "zz"; ivr calls lists them`: {"show", "zz"},
		"cannot read the records":                  {"show", "zz", "--db", "calls.go/x"},
	} {
		_, err := runCalls(t, calls, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	if _, err := runCalls(t, nil, "show", "a"); err == nil || !strings.Contains(err.Error(), "there are no calls") {
		t.Errorf("%v", err)
	}
}
