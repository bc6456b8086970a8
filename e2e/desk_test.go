//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/testaudio"
)

const password = "open sesame"

// hashOfPassword is made as an administrator would.
func hashOfPassword(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(root("bin/ivr"), "password")
	cmd.Stdin = strings.NewReader(password + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// signsIn are the steps by which Ben sits down.
func signsIn() []step {
	return []step{
		{"sees": []string{"#sign-in h1", "Sign in"}}, {"fill": []string{"[name=seat]", "2"}}, {"fill": []string{"[name=password]", password}},
		{"key": "Enter"}, {"state": "away"}, {"click": "free"}, {"state": "free"},
	}
}

// waitForSeats waits until so many are free.
func (h *house) waitForSeats(t *testing.T, n float64) {
	t.Helper()
	for until := time.Now().Add(60 * time.Second); h.metric(`ivr_seats{state="free"}`) < n; <-time.After(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%v seats are free, want %v", h.metric(`ivr_seats{state="free"}`), n)
		}
	}
}

// angry is a caller who gets a person, and then says what is the matter.
func angry(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "angry.wav")
	pcm := testaudio.Join(spoken(t, "this is the third time I call, it is a disgrace").PCM(), testaudio.Silence(17*time.Second),
		spoken(t, "my kitchen window is broken").PCM(), testaudio.Silence(5*time.Second))
	if err := testaudio.WriteWAV(path, pcm); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASeatWithABrowserSeesWhoComesAndTalksWithTheCaller(t *testing.T) {
	t.Parallel()
	h := open(t, settings{browser: true})
	caller := make(chan talk, 1)
	wav := angry(t)
	go func() {
		h.waitForSeats(t, 2)
		caller <- h.call("--wav", wav, "--hang-up-after", "12s")
	}()
	got := h.visit(t, visit{Page: "/desk/", Silent: 2 * time.Second, Pictures: pictures(), Steps: append(signsIn(),
		step{"picture": "desk-light-free"}, step{"sees": []string{"#card", "disgrace"}}, step{"read": "#card"}, step{"picture": "desk-light-rings"},
		step{"key": "a"}, step{"state": "talking"}, step{"wait": 2}, step{"picture": "desk-light-talks"}, step{"state": "ended"})},
		"good morning, your parcel is late")
	contains(t, "the card", got.with("card"), "complaints", "anger", "disgrace")
	contains(t, "the seat heard", got.with("heard"), "window is broken")
	k := <-caller
	contains(t, "the caller heard", k.said("heard"), "parcel is late")
	r := h.records(1)[0]
	if len(r.Handovers) != 1 || r.Handovers[0].Seat != "2" || r.Handovers[0].Outcome != "joined" {
		t.Errorf("%+v", r.Handovers)
	}
}

// Nobody else is there: the caller keeps the place, and the seat is asked once more.
func TestASeatThatDeclinesOnItsScreenIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	h := open(t, settings{browser: true, wait: "60s"})
	caller := make(chan talk, 1)
	go func() {
		h.waitForSeats(t, 2)
		caller <- h.call("--say", "this is the third time I call, it is a disgrace", "--hang-up-after", "60s")
	}()
	got := h.visit(t, visit{Page: "/desk/", Silent: 3 * time.Second, Dark: true, Pictures: pictures(), Steps: append(signsIn(),
		step{"sees": []string{"#card", "disgrace"}}, step{"picture": "desk-dark-rings"}, step{"click": "decline"}, step{"sees": []string{"#quiet", "No call"}},
		step{"sees": []string{"#card", "disgrace"}}, step{"click": "accept"}, step{"state": "talking"}, step{"wait": 8},
		step{"click": "hang-up"}, step{"state": "ended"}, step{"click": "away"}, step{"state": "away"})}, "good morning, your parcel is late")
	k := <-caller
	contains(t, "the caller heard", k.said("heard"), "parcel is late")
	r := h.records(1)[0]
	if r.Cause != "seat hung up" || len(r.Handovers) != 1 || r.Handovers[0].Seat != "2" || len(r.Handovers[0].Tried) == 0 || r.Handovers[0].Tried[0] != "2: declined" {
		t.Errorf("ended because %q, %+v\nthe page: %v", r.Cause, r.Handovers, got.States)
	}
}
