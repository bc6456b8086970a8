package dialog

import (
	"errors"
	"os"
	"strings"
	"testing"

	"ivr/internal/strict"
)

const smallest = `
name: Small
greeting: Hello.
intents:
  hours: {examples: [when are you open, opening hours please, when do you close], answer: At nine.}
hand_over: {queue: service}
`

func TestTheSmallestBotIsFiveLines(t *testing.T) {
	bot, err := Parse("small.yaml", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	if bot.Name() != "Small" || bot.Language() != "en-GB" || len(bot.Queues()) != 1 {
		t.Errorf("it is %q in %q with queues %v", bot.Name(), bot.Language(), bot.Queues())
	}
	session := bot.Start()
	session.Step(Begin{Now: testNow})
	if got := shown(session.Step(Heard{Text: "are you open", Now: testNow})); !strings.Contains(got, "At nine.") {
		t.Errorf("it answered %s", got)
	}
}

func TestTheCourierBotNamesItsQueues(t *testing.T) {
	if got := strings.Join(load(t, courier).Queues(), " "); got != "claims complaints service" {
		t.Errorf("queues are %s", got)
	}
}

func TestTheBackendComesFromTheEnvironmentOrItsDefault(t *testing.T) {
	backend := func() string {
		t.Helper()
		bot, err := Load(courier)
		if err != nil {
			t.Fatal(err)
		}
		return bot.file.Backend
	}
	if got := backend(); os.Getenv("PARCELS_URL") == "" && got != "http://127.0.0.1:8090" {
		t.Errorf("without PARCELS_URL the back end is %q", got)
	}
	t.Setenv("PARCELS_URL", "http://parcels.test")
	if got := backend(); got != "http://parcels.test" {
		t.Errorf("with PARCELS_URL the back end is %q", got)
	}
}

func TestAllMistakesOfABotAreToldAtOnce(t *testing.T) {
	const broken = `
name: Broken
language: fr
greting: Hello
no_input: shout
timeouts: {listen: 0s}
slots:
  parcel: {type: digits, ask: Which one}
  day: {type: day, ask: When, except: [Someday], earliest: 3, latest: 1}
  kind: {type: choise, ask: What}
  size: {type: choice, choices: {big: []}}
  a-b: {type: text, ask: "{{ordr | digits}} {{parcel | loud}} {{open"}
intents:
  one: {examples: [a parcel], answer: Yes., flow: main}
  two: {examples: [a parcel, and, "?"], flow: mian}
flows:
  main:
    - say: Hello
      ask: parcel
    - ask: parsel
    - fetch: {method: FETCH, timeout: 2, on: {nope: {end: Bye}}, url: "/x/{{parcl}}"}
    - go: other
    - say: Never
    - decide: {value: satus, cases: {a: {say: "{{parcel}}"}, b: {done: false}}}
    - menu: {options: {0: {do: {end: Bye}}}}
  other:
    - go: again
  again:
    - say: Round
    - go: other
hand_over:
  anger: {threshold: 2}
  sensitive: {death: {}}
wording:
  no_mach: What?
  no_match: "{{labl}}"
`
	_, err := Parse("broken.yaml", []byte(broken))
	var mistakes *strict.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`:3: language: no understanding of "fr"; en-GB`,
		`:4: unknown key "greting"; did you mean "greeting"?`,
		`:1: greeting: no greeting`,
		`:5: no_input: "shout" is neither; goodbye or hand over`,
		`:6: timeouts.listen: want a time longer than nothing`,
		`:8: slots.parcel: how many digits?; write length: 4`,
		`:9: slots.day.except[0]: "Someday" is no weekday`,
		`:9: slots.day.latest: is before earliest`,
		`:10: slots.kind.type: unknown type "choise"; did you mean "choice"?`,
		`:11: slots.size: no ask`,
		`:11: slots.size.choices: want two to nine choices`,
		`:12: slots.a-b: "a-b" is no name`,
		`:12: slots.a-b.ask[0]: unknown value "ordr"`,
		`:12: slots.a-b.ask[0]: unknown format "loud" in {{parcel | loud}}; formats are day, digits`,
		`:12: slots.a-b.ask[0]: a place is not closed`,
		`:14: intents.one.examples: only 1 examples`,
		`:14: intents.one: want either answer or flow`,
		`:15: intents.two.examples[0]: "a parcel" is an example of one too`,
		`:15: intents.two.examples[2]: no words`,
		`:15: intents.two.flow: unknown flow "mian"; did you mean "main"?`,
		`:18: flows.main[0]: a step does one thing, this one does 2`,
		`:20: flows.main[1]: unknown slot "parsel"; did you mean "parcel"?`,
		`:21: flows.main[2].fetch.timeout: want a duration such as 2s or 500ms, got "2"; did you mean 2s?`,
		`:21: flows.main[2].fetch.method: unknown method "FETCH"`,
		`:21: flows.main[2].fetch.url: is relative, and the bot has no backend`,
		`:21: flows.main[2].fetch.url[0]: unknown value "parcl"; did you mean "parcel"?`,
		`:21: flows.main[2].fetch.on.nope: is no HTTP status`,
		`:23: flows.main[4]: is never reached`,
		`:24: flows.main[5].decide.value: unknown value "satus"`,
		`:24: flows.main[5].decide.cases.b[0].done: false does nothing`,
		`:25: flows.main[6].menu: no say`,
		`:25: flows.main[6].menu.options.0: key "0"; 1 to 9`,
		`:26: flows.other: goes round for ever`,
		`:28: flows.again: goes round for ever`,
		`:31: hand_over.queue: no queue`,
		`:32: hand_over.anger.threshold: 2 is not above 0`,
		`:33: hand_over.sensitive.death: nothing tells this subject`,
		`:35: wording.no_mach: unknown prompt "no_mach"; did you mean "no_match"?`,
		`:36: wording.no_match[0]: unknown value "labl"; did you mean "label"?`,
	} {
		if !strings.Contains(err.Error(), "broken.yaml"+want) {
			t.Errorf("missing %s", want)
		}
	}
	if t.Failed() {
		t.Logf("got\n%v", err)
	}
}

// However a bot file is broken, loading ends with mistakes or a bot that talks.
func FuzzParse(f *testing.F) {
	f.Add(smallest)
	garden, err := os.ReadFile("testdata/garden.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(garden))
	f.Fuzz(func(t *testing.T, data string) {
		bot, err := Parse("bot.yaml", []byte(data), WithTrainer(func(map[string][]string) Classifier { return nothing{} }))
		if err != nil {
			return
		}
		session := bot.Start()
		for _, event := range []Event{Begin{Now: testNow}, Heard{Text: "help", Now: testNow}, Keyed{Key: '1', Now: testNow}, NoInput{Now: testNow}} {
			if actions := session.Step(event); len(actions) == 0 {
				t.Errorf("nothing follows %#v", event)
			}
		}
		bot.Prompts()
	})
}

// nothing is a classifier that knows nothing.
type nothing struct{}

func (nothing) Classify(string) []Candidate    { return nil }
func (nothing) Thresholds() (ask, act float64) { return 0.4, 0.6 }
