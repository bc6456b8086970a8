package dialog

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"ivr/internal/strict"
)

// Bot is a loaded bot file. It does not change and may serve any number of sessions at once.
type Bot struct {
	file       botFile
	texts      map[string]text           // every wording with places, by what is written
	patterns   map[string]*regexp.Regexp // of digit slots, by slot
	needs      map[string][]string       // slots a flow may ask for, by flow
	synonyms   [][2]string               // other words and the bot's own for them, longest first
	trainer    Trainer
	classifier Classifier
}

// Option changes how a bot is loaded.
type Option func(*Bot)

// Name is the bot's name as its file has it.
func (b *Bot) Name() string { return b.file.Name }

// Language is the tag of the language the bot speaks: "en-GB".
func (b *Bot) Language() string { return b.file.Language }

// Queues lists the queues that the bot may hand over to, sorted: each needs seats.
func (b *Bot) Queues() []string {
	found := map[string]bool{}
	for _, rule := range b.file.HandOver.rules() {
		found[orDefault(rule.Queue, b.file.HandOver.Queue)] = true
	}
	for _, steps := range b.file.Flows {
		eachStep(steps, func(s *step) {
			if s.HandOver != nil {
				found[orDefault(s.HandOver.Queue, b.file.HandOver.Queue)] = true
			}
		})
	}
	return sortedKeys(found)
}

// Load reads the bot file at path. Its error is a *strict.Mistakes with all that is wrong, or that of opening the file.
func Load(path string, options ...Option) (*Bot, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, options...)
}

// Parse makes a bot of a bot file's content; name stands in the mistakes, which come all at once as a *strict.Mistakes.
func Parse(name string, data []byte, options ...Option) (*Bot, error) {
	file := strict.Parse(name, data)
	bot := &Bot{
		file: botFile{
			Language: "en-GB",
			Timeouts: timeouts{Listen: 6 * time.Second, Digits: 8 * time.Second, Keys: 4 * time.Second, Hold: time.Minute, Message: 2 * time.Minute},
			NoInput:  "goodbye",
			HandOver: handOver{Anger: angerRule{Threshold: 0.7}, Unmatched: unmatchedRule{After: 2}},
		},
		texts:    map[string]text{},
		patterns: map[string]*regexp.Regexp{},
		needs:    map[string][]string{},
		trainer:  trainLexical,
	}
	for _, option := range options {
		option(bot)
	}
	file.Decode(&bot.file)
	bot.prepare()
	(&checker{File: file, Bot: bot}).check()
	if err := file.Err(); err != nil {
		return nil, err
	}
	bot.learn()
	return bot, nil
}

// prepare completes what the author left to defaults.
func (b *Bot) prepare() {
	f := &b.file
	f.Backend = expand(f.Backend)
	for name, s := range f.Slots {
		s.Label = orDefault(s.Label, strings.ReplaceAll(name, "_", " "))
		if s.Length > 0 {
			s.Min, s.Max = s.Length, s.Length
		}
	}
	for name, in := range f.Intents {
		in.Label = orDefault(in.Label, strings.ReplaceAll(name, "_", " "))
	}
	for name, rule := range f.HandOver.Sensitive {
		rule.Label = orDefault(rule.Label, strings.ReplaceAll(name, "_", " "))
	}
	for name, steps := range f.Flows {
		place := 0
		eachStep(steps, func(s *step) {
			place++
			s.at = fmt.Sprintf("%s.%d", name, place)
			if s.Ask != "" {
				s.at = name + "." + s.Ask
			}
			if s.Fetch != nil {
				s.Fetch.complete()
			}
		})
	}
	for _, word := range sortedKeys(f.Synonyms) {
		for _, other := range f.Synonyms[word] {
			b.synonyms = append(b.synonyms, [2]string{plain(other), plain(word)})
		}
	}
	slices.SortStableFunc(b.synonyms, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	for name := range f.Flows {
		b.needs[name] = b.slotsOf(name, nil)
	}
}

func (f *fetchStep) complete() {
	f.Method = strings.ToUpper(orDefault(f.Method, "GET"))
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	if f.Tries == 0 {
		f.Tries = 1
		if f.Method == "GET" {
			f.Tries = 2
		}
	}
}

// slotsOf lists the slots that a flow and the flows it goes to may ask for.
func (b *Bot) slotsOf(flow string, seen []string) []string {
	if slices.Contains(seen, flow) {
		return nil
	}
	seen = append(seen, flow)
	var names []string
	eachStep(b.file.Flows[flow], func(s *step) {
		if s.Ask != "" && !slices.Contains(names, s.Ask) {
			names = append(names, s.Ask)
		}
		if s.Go != "" {
			for _, name := range b.slotsOf(s.Go, seen) {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	})
	return names
}

// branches are the steps inside a step, each with its place in the file.
func (s *step) branches(do func(at string, steps []step)) {
	each := func(at string, m map[string][]step) {
		for _, key := range sortedKeys(m) {
			do(at+"."+key, m[key])
		}
	}
	switch {
	case s.Confirm != nil:
		do("confirm.no", s.Confirm.No)
	case s.Fetch != nil:
		each("fetch.on", s.Fetch.On)
		do("fetch.failed", s.Fetch.Failed)
	case s.Decide != nil:
		each("decide.cases", s.Decide.Cases)
		do("decide.else", s.Decide.Else)
	case s.Menu != nil:
		for _, key := range sortedKeys(s.Menu.Options) {
			do("menu.options."+key+".do", s.Menu.Options[key].Do)
		}
	}
}

// eachStep visits steps and the steps inside them, in order.
func eachStep(steps []step, do func(*step)) {
	for i := range steps {
		do(&steps[i])
		steps[i].branches(func(_ string, inner []step) { eachStep(inner, do) })
	}
}

// rules are all the hand-over rules by their place in the file.
func (h *handOver) rules() map[string]*handOverRule {
	rules := map[string]*handOverRule{"anger": &h.Anger.handOverRule, "unmatched": &h.Unmatched.handOverRule, "asked": &h.Asked,
		"key": &h.Key, "backend": &h.Backend}
	for name, rule := range h.Sensitive {
		rules["sensitive."+name] = &rule.handOverRule
	}
	return rules
}

var environment = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}`)

// expand puts environment variables in: ${NAME} or ${NAME:-default}.
func expand(s string) string {
	return environment.ReplaceAllStringFunc(s, func(ref string) string {
		parts := environment.FindStringSubmatch(ref)
		return orDefault(os.Getenv(parts[1]), parts[2])
	})
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
