package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ivr/dialog"
)

// testReport tells what came of scripts, one after the other.
type testReport struct {
	out     io.Writer
	o       *testOptions
	bot     *dialog.Bot
	runs    []*testRun
	failed  int
	visited map[string]bool
	began   time.Time
}

func newTestReport(out io.Writer, o *testOptions, bot *dialog.Bot, scripts int) *testReport {
	if o.tap {
		fmt.Fprintf(out, "TAP version 13\n1..%d\n", scripts)
	}
	return &testReport{out: out, o: o, bot: bot, visited: map[string]bool{}, began: time.Now()}
}

func (r *testReport) add(run *testRun) {
	r.runs = append(r.runs, run)
	if run.err != nil {
		r.failed++
	}
	for name := range run.visited {
		r.visited[name] = true
	}
	switch {
	case r.o.json:
		r.addJSON(run)
	case r.o.tap:
		r.addTAP(run)
	default:
		r.addText(run)
	}
}

func (r *testReport) addText(run *testRun) {
	name := filepath.Base(run.talk.Name)
	if run.err == nil {
		fmt.Fprintf(r.out, "ok    %-34s %s (%s)\n", name, titleOf(run.talk), shortly(run.took))
		return
	}
	fmt.Fprintf(r.out, "FAIL  %-34s %s\n      %v\n", name, titleOf(run.talk), run.err)
	for _, line := range run.told {
		fmt.Fprintf(r.out, "      | %s\n", line)
	}
}

func (r *testReport) addTAP(run *testRun) {
	if run.err == nil {
		fmt.Fprintf(r.out, "ok %d - %s\n", len(r.runs), titleOf(run.talk))
		return
	}
	fmt.Fprintf(r.out, "not ok %d - %s\n", len(r.runs), titleOf(run.talk))
	for line := range strings.Lines(run.err.Error() + "\n" + strings.Join(run.told, "\n")) {
		fmt.Fprintf(r.out, "# %s\n", strings.TrimSpace(line))
	}
}

func (r *testReport) addJSON(run *testRun) {
	one := map[string]any{"script": run.talk.Name, "title": run.talk.Title, "ok": run.err == nil, "turns": run.turns, "seconds": run.took.Seconds()}
	if run.err != nil {
		one["error"], one["told"] = run.err.Error(), run.told
	}
	r.print(one)
}

func (r *testReport) print(what any) {
	_ = json.NewEncoder(r.out).Encode(what) // as with all output: nobody to tell
}

func shortly(d time.Duration) string {
	if d < 100*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// end sums up. The error says that scripts failed.
func (r *testReport) end() error {
	intents, missedIntents := r.reached(r.bot.Intents())
	steps, missedSteps := r.reached(r.bot.Steps())
	switch {
	case r.o.json:
		summary := map[string]any{"passed": len(r.runs) - r.failed, "failed": r.failed, "seconds": time.Since(r.began).Seconds()}
		if r.o.over != "sip" { // in a real call nobody sees inside the bot
			summary["intents"] = map[string]any{"reached": intents, "missed": missedIntents}
			summary["steps"] = map[string]any{"reached": steps, "missed": missedSteps}
		}
		r.print(summary)
	case r.o.tap:
	default:
		fmt.Fprintln(r.out)
		if r.o.over != "sip" {
			r.coverage("intents", intents, missedIntents)
			r.coverage("steps", steps, missedSteps)
		}
		fmt.Fprintf(r.out, "%d came true, %d did not, in %s\n", len(r.runs)-r.failed, r.failed, shortly(time.Since(r.began)))
	}
	var err error
	if r.o.junit != "" {
		err = r.writeJUnit()
	}
	if r.failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d scripts did not come true", r.failed, len(r.runs)))
	}
	return err
}

// reached counts parts that a script came by, and lists the others as "tracking.2 (line 120)".
func (r *testReport) reached(parts []dialog.Part) (n int, missed []string) {
	missed = []string{}
	for _, p := range parts {
		if r.visited[p.Name] {
			n++
		} else {
			missed = append(missed, fmt.Sprintf("%s (line %d)", p.Name, p.Line))
		}
	}
	return n, missed
}

// mostMissed is how many parts that no script reaches are named.
const mostMissed = 12

func (r *testReport) coverage(what string, reached int, missed []string) {
	fmt.Fprintf(r.out, "%s reached: %d of %d", what, reached, reached+len(missed))
	if len(missed) > 0 {
		fmt.Fprintf(r.out, "; not %s", strings.Join(missed[:min(len(missed), mostMissed)], ", "))
	}
	if more := len(missed) - mostMissed; more > 0 {
		fmt.Fprintf(r.out, " and %d more (all with --json)", more)
	}
	fmt.Fprintln(r.out)
}

// JUnit's XML, as test servers read it.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     float64     `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Time    float64       `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Told    string `xml:",chardata"`
}

func (r *testReport) writeJUnit() error {
	suite := junitSuite{Name: r.bot.Name(), Tests: len(r.runs), Failures: r.failed, Time: time.Since(r.began).Seconds()}
	for _, run := range r.runs {
		c := junitCase{Name: titleOf(run.talk), Class: strings.TrimSuffix(filepath.Base(run.talk.Name), ".talk"), File: run.talk.Name, Time: run.took.Seconds()}
		if run.err != nil {
			c.Failure = &junitFailure{Message: run.err.Error(), Told: strings.Join(run.told, "\n")}
		}
		suite.Cases = append(suite.Cases, c)
	}
	data, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.o.junit, append([]byte(xml.Header), append(data, '\n')...), 0o644)
}
