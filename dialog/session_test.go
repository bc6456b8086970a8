package dialog

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testNow = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// loaded are the bots of all tests, by path: to learn a bot takes a moment, and bots never change.
var loaded sync.Map

func load(t testing.TB, path string) *Bot {
	t.Helper()
	open, _ := loaded.LoadOrStore(path, sync.OnceValues(func() (*Bot, error) { return Load(path) }))
	bot, err := open.(func() (*Bot, error))()
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

// callersWords are what the random caller says: answers, commands, wishes, noise.
var callersWords = []string{"", "where is my parcel", "where is my parcel 4512", "four five one two", "four five", "4513", "no, 4514", "yes", "no",
	"no, Thursday", "Thursday", "Sunday", "tomorrow", "go back", "start again", "cancel", "help", "repeat that", "hold on", "hello", "thanks",
	"a person please", "the brown one", "what is the weather on mars", "I missed my delivery", "how much is it to send a parcel", "France", "heavy",
	"are you open on Sunday", "my parcel is broken", "any idea when the van will get to me", "message", "go on", "another number", "it is a disgrace",
	"my mother passed away", "sorry, the number was 4519", "I don't know", "I want to order seeds", "advice please", "two", "the second one", "Mary", "is my order ready"}

var statuses = []map[string]any{{"status": "in_transit", "place": "Leeds", "expected": "2026-11-23", "window": "soon"}, {"status": "held"},
	{"status": "lost"}, {"day": "2026-11-26", "reference": "R9"}, {"price_pence": 495.0}, {"order": map[string]any{"ready": true}}, nil}

// anEvent draws something that may happen, also what does not fit the moment.
func anEvent(t *rapid.T, wait Action) Event {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1:
		return Keyed{Key: rapid.SampledFrom([]rune("0123456789*#")).Draw(t, "key"), Now: testNow}
	case 2:
		return NoInput{Now: testNow}
	case 3, 4:
		if fetch, ok := wait.(Fetch); ok {
			result := Fetched{ID: fetch.ID, Status: rapid.SampledFrom([]int{200, 201, 404, 409, 422, 500}).Draw(t, "status"),
				Body: rapid.SampledFrom(statuses).Draw(t, "body")}
			if rapid.Bool().Draw(t, "fails") {
				result = Fetched{ID: fetch.ID, Err: "timeout"}
			}
			return result
		}
		return Fetched{ID: "nobody asked"}
	case 5:
		return HandoverEnded{Outcome: "no seat"}
	case 6:
		return MessageLeft{Duration: time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second}
	default:
		return Heard{Text: rapid.SampledFrom(callersWords).Draw(t, "said"), Anger: rapid.Float64Range(0, 0.75).Draw(t, "anger"), Now: testNow}
	}
}

func TestWhateverHappensAStepKeepsItsOrderAndSomethingIsAwaited(t *testing.T) {
	bots := []*Bot{load(t, courier), load(t, "testdata/garden.yaml")}
	rapid.Check(t, func(t *rapid.T) {
		session := bots[rapid.IntRange(0, 1).Draw(t, "bot")].Start()
		wait := waiting(session.Step(Begin{Now: testNow}))
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			event := anEvent(t, wait)
			actions := session.Step(event)
			if problem := disorder(event, actions); problem != "" {
				t.Fatalf("%s after %#v: %s", problem, event, shown(actions))
			}
			next := waiting(actions)
			if _, over := wait.(End); over {
				if _, still := next.(End); !still {
					t.Fatalf("went on after the end with %#v", next)
				}
			}
			if next != nil {
				wait = next
			}
		}
	})
}

// A conductor keeps answering what is awaited, as badly as it can: the call must come to an end all the same.
func TestEveryCallEndsWithinABoundedNumberOfTurns(t *testing.T) {
	for _, path := range []string{courier, "testdata/garden.yaml"} {
		bot := load(t, path)
		most := 0
		for seed := range uint64(120) {
			random := rand.New(rand.NewPCG(seed, 7))
			session := bot.Start()
			wait := waiting(session.Step(Begin{Now: testNow}))
			turns := 0
			for ; turns < 1000; turns++ {
				if _, over := wait.(End); over {
					break
				}
				if next := waiting(session.Step(contrary(random, seed, wait))); next != nil {
					wait = next
				}
			}
			most = max(most, turns)
			if turns == 1000 {
				t.Fatalf("seed %d: the call never ended", seed)
			}
		}
		t.Logf("%s: at most %d turns", path, most)
	}
}

// contrary answers what is awaited; the lower bits of the seed choose a caller who is silent, mumbles, keys, or mixes.
func contrary(random *rand.Rand, seed uint64, wait Action) Event {
	switch wait := wait.(type) {
	case Fetch:
		return Fetched{ID: wait.ID, Status: []int{200, 404, 409, 422}[random.IntN(4)], Body: statuses[random.IntN(len(statuses))]}
	case HandOver:
		return HandoverEnded{Outcome: "no seat"}
	case TakeMessage:
		return MessageLeft{Duration: time.Duration(random.IntN(3)) * time.Second}
	}
	switch seed % 5 {
	case 0:
		return NoInput{Now: testNow}
	case 1:
		return Heard{Text: "mumble mumble", Now: testNow}
	case 2:
		return Keyed{Key: rune("123456789*#"[random.IntN(11)]), Now: testNow}
	}
	return Heard{Text: callersWords[random.IntN(len(callersWords))], Now: testNow}
}

func TestARepairedCallNeverLastsForEver(t *testing.T) {
	bot := load(t, courier)
	for _, word := range []string{"repeat", "help", "hold on", "hello", "thanks", "go back", "start again", "cancel", "yes", "no, 4513", "I don't know"} {
		session := bot.Start()
		session.Step(Begin{Now: testNow})
		session.Step(Heard{Text: "I missed my delivery", Now: testNow})
		left := 60
		for ; left > 0; left-- {
			switch waiting(session.Step(Heard{Text: word, Now: testNow})).(type) {
			case HandOver, End:
				left = -1
			}
		}
		if left == 0 {
			t.Errorf("sixty times %q and the bot still listens", word)
		}
	}
}

func TestTheSameEventsGiveTheSameCall(t *testing.T) {
	bot := load(t, courier)
	var calls [2]string
	for i := range calls {
		session := bot.Start()
		calls[i] = shown(session.Step(Begin{Now: testNow}))
		for _, said := range callersWords {
			calls[i] += shown(session.Step(Heard{Text: said, Now: testNow}))
		}
	}
	if calls[0] != calls[1] {
		t.Error("two sessions of one bot went different ways")
	}
}

func TestPromptsHoldEverySentenceWithoutValues(t *testing.T) {
	bot := load(t, courier)
	ahead := map[string]bool{}
	for _, prompt := range bot.Prompts() {
		ahead[prompt] = true
	}
	for _, events := range [][]Event{
		{Begin{}, NoInput{}, NoInput{}, NoInput{}},
		{Begin{}, Heard{Text: "track my parcel"}, Heard{Text: "hm"}, Heard{Text: "hm"}, Heard{Text: "hm"}},
		{Begin{}, Heard{Text: "bananas"}, Heard{Text: "bananas"}, HandoverEnded{}, Keyed{Key: '1'}, MessageLeft{Duration: time.Minute}},
		{Begin{}, Heard{Text: "when are you open"}, Heard{Text: "yes"}, Heard{Text: "any idea when the van will get to me"}, Heard{Text: "eh"}, Heard{Text: "bye"}},
		{Begin{}, Heard{Text: "what does it cost"}, Heard{Text: "hm"}, Heard{Text: "hm"}, Keyed{Key: '0'}},
		{Begin{}, Heard{Text: "it is a disgrace"}}, {Begin{}, Heard{Text: "my wife passed away"}}, {Begin{}, Heard{Text: "agent"}},
	} {
		session := bot.Start()
		for _, event := range events {
			for _, action := range session.Step(event) {
				if say, ok := action.(Say); ok && !ahead[say.Text] {
					t.Errorf("%q is not spoken ahead", say.Text)
				}
			}
		}
	}
}

func FuzzStep(f *testing.F) {
	bot := load(f, courier)
	f.Add("where is my parcel four five one two", "no, thursday week", uint16(3))
	f.Add("double hundred thousand and and", "the 31st of february in a week on next", uint16(9))
	f.Add("{{parcel}} %s £4.95", "oh oh oh oh", uint16(40))
	f.Fuzz(func(t *testing.T, one, two string, mix uint16) {
		session := bot.Start()
		session.Step(Begin{Now: testNow})
		for i, said := range []string{one, two, one + " " + two, two} {
			event := Event(Heard{Text: said, Now: testNow})
			if mix>>(i)&1 == 1 {
				event = Keyed{Key: rune("0123456789*#"[int(mix)%12]), Now: testNow}
			}
			actions := session.Step(event)
			for _, action := range actions {
				if h, ok := action.(HandOver); ok && h.Queue == "" {
					t.Errorf("hands over to no queue: %#v", h)
				}
			}
			if len(actions) == 0 {
				t.Errorf("nothing follows %#v", event)
			}
		}
	})
}
