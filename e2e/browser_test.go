//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/testaudio"
)

// visit is one visit of the call page in Chromium.
type visit struct {
	Page       string           `json:"page"`
	Browser    string           `json:"browser"`
	Microphone string           `json:"microphone"`
	Heard      string           `json:"heard"`
	Pictures   string           `json:"pictures"`
	Dark       bool             `json:"dark"`
	Silent     time.Duration    `json:"-"` // before the speech
	Steps      []map[string]any `json:"steps"`
}

// visited is what the page showed.
type visited struct {
	Shown, States, Errors []string
}

// welcome is how long the bot's is, at most.
const welcome = 6 * time.Second

// visit speaks into the browser's microphone, and follows the steps.
func (h *house) visit(t *testing.T, v visit, speech string) visited {
	t.Helper()
	v.Browser = need(t, "chromium")
	node := need(t, "node")
	if _, err := os.Stat(root("console/web/node_modules/playwright-core")); err != nil {
		t.Skip("the pages' packages are not installed: make pages")
	}
	dir := t.TempDir()
	v.Page = "http://" + h.web + v.Page
	v.Microphone, v.Heard = filepath.Join(dir, "microphone.wav"), filepath.Join(dir, "heard.wav")
	if v.Pictures == "" {
		v.Pictures = dir
	}
	pcm := testaudio.Silence(v.Silent)
	if speech != "" {
		pcm = testaudio.Join(pcm, spoken(t, speech).PCM())
	}
	if err := testaudio.WriteWAV(v.Microphone, testaudio.Join(pcm, testaudio.Silence(60*time.Second))); err != nil {
		t.Fatal(err)
	}
	job, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, root("console/web/test/caller.js"), string(job))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var got visited
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, errs.String())
	}
	if err != nil || len(got.Errors) > 0 {
		t.Errorf("%v\n%s\nstates %q\nshown %q", err, strings.Join(got.Errors, "\n"), got.States, got.Shown)
	}
	if heard := transcript(t, v.Heard, 0); heard != "" {
		got.Shown = append(got.Shown, "heard: "+heard)
	}
	return got
}

// with picks what was shown by one party.
func (v visited) with(who string) string {
	var lines []string
	for _, l := range v.Shown {
		if text, ok := strings.CutPrefix(l, who+": "); ok {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, " ")
}

type step = map[string]any

// The pictures in docs are made here: IVR_PICTURES=docs/pictures.
func pictures() string {
	if dir := os.Getenv("IVR_PICTURES"); dir != "" {
		return root(dir)
	}
	return ""
}

func TestAVisitorOfTheCallPageHearsTheFactsAndReadsThem(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	got := h.visit(t, visit{Page: "/call/", Silent: welcome, Pictures: pictures(), Steps: []step{
		{"picture": "call-light-ready"}, {"tab": "call"}, {"state": "connected"}, {"shows": "between two and four"}, {"wait": 7},
		{"click": "pad"}, {"picture": "call-light"}, {"click": "call"}, {"state": "ended"},
	}}, "where is my parcel four five one two")
	contains(t, "the page showed of the bot", got.with("bot"), "how can I help you", "with you today", "between two and four in the afternoon")
	contains(t, "the page showed of the caller", got.with("caller"), "where is my parcel")
	contains(t, "the browser heard", got.with("heard"), "with you today", "between two and four")
	r := h.records(1)[0]
	if r.Cause != "caller hung up" || r.Turns[1].Intent != "track" {
		t.Errorf("ended because %q, %+v", r.Cause, r.Turns)
	}
	contains(t, "the house's recording, left", transcript(t, r.Recording, 0), "where is my parcel")
	contains(t, "the house's recording, right", transcript(t, r.Recording, 1), "between two and four")
	t.Logf("reply gap %.0f ms", r.ReplyGap)
}

func TestAVisitorWhoAsksForAPersonBeforeCallingTalksToOne(t *testing.T) {
	t.Parallel()
	h := open(t, settings{})
	seat := h.seat(0, "--say", "good morning, your parcel is late", "--hang-up-after", "5s", "--calls", "1")
	got := h.visit(t, visit{Page: "/call/", Silent: welcome, Dark: true, Pictures: pictures(), Steps: []step{
		{"picture": "call-dark-ready"}, {"click": "person"}, {"state": "talking with a person"}, {"wait": 4}, {"picture": "call-dark"}, {"state": "ended"},
	}}, "my kitchen window is broken")
	contains(t, "the browser heard", got.with("heard"), "your parcel is late")
	if k := <-seat; k.Exit != 0 {
		t.Errorf("the seat: exit %d\n%s", k.Exit, k.Output)
	}
	if r := h.records(1)[0]; len(r.Handovers) != 1 || r.Handovers[0].Reason != "key" || r.Handovers[0].Outcome != "joined" {
		t.Errorf("%+v", r)
	}
}
