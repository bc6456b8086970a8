package dialog

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ivr/internal/strict"
)

// checker finds what is wrong in a bot file beyond its form.
type checker struct {
	*strict.File
	*Bot
	values []string // that a wording may name
}

// builtIn values are known in every call.
var builtIn = []string{"caller", "caller_name", "today", "daytime"}

// wordingValues are what the built-in prompts may name beside [builtIn].
var wordingValues = []string{"label", "topics", "heard", "length", "day", "key", "choice", "value"}

func (c *checker) check() {
	f := &c.file
	c.values = append(slices.Clone(builtIn), sortedKeys(f.Slots)...)
	for _, steps := range f.Flows {
		eachStep(steps, func(s *step) {
			if s.Fetch != nil {
				c.values = append(c.values, sortedKeys(s.Fetch.Values)...)
			}
		})
	}
	c.head()
	for _, name := range sortedKeys(f.Slots) {
		c.slot("slots."+name, name, f.Slots[name])
	}
	c.intents()
	for _, name := range sortedKeys(f.Flows) {
		if len(f.Flows[name]) == 0 {
			c.Mistake("flows."+name, "no steps", "a flow is a list of steps such as - say: Hello")
		}
		c.steps("flows."+name, f.Flows[name])
	}
	c.loops()
	c.handOver()
	for _, key := range sortedKeys(defaultWording) {
		c.texts("wording."+key, c.wording(key), wordingValues...)
	}
	for _, key := range sortedKeys(f.Wording) {
		if defaultWording[key] == nil {
			what, hint := strict.Unknown("prompt", key, sortedKeys(defaultWording))
			c.Mistake("wording."+key, what, hint)
		}
	}
}

func (c *checker) head() {
	f := &c.file
	if f.Name == "" {
		c.Mistake("name", "no name", "write name: and what the bot is called")
	}
	if len(f.Greeting) == 0 {
		c.Mistake("greeting", "no greeting", "write greeting: and the bot's first sentence")
	}
	c.texts("greeting", f.Greeting)
	if f.Language != "en" && !strings.HasPrefix(f.Language, "en-") {
		c.Mistake("language", fmt.Sprintf("no understanding of %q", f.Language), "en-GB or another English")
	}
	if f.NoInput != "goodbye" && f.NoInput != "hand over" {
		c.Mistake("no_input", fmt.Sprintf("%q is neither", f.NoInput), "goodbye or hand over")
	}
	t := &f.Timeouts
	for name, d := range map[string]int64{"listen": int64(t.Listen), "digits": int64(t.Digits), "keys": int64(t.Keys), "hold": int64(t.Hold), "message": int64(t.Message)} {
		if d <= 0 {
			c.Mistake("timeouts."+name, "want a time longer than nothing", "")
		}
	}
}

func (c *checker) slot(path, name string, s *slot) {
	c.name(path, name)
	c.need(path, "ask", s.Ask)
	for key, list := range map[string][]string{"ask": s.Ask, "help": s.Help, "keys": s.Keys} {
		c.texts(path+"."+key, list, "label")
	}
	switch s.Type {
	case "digits":
		if s.Min < 1 || s.Max < s.Min || s.Max > 20 {
			c.Mistake(path, "how many digits?", "write length: 4, or min: and max: (at most 20)")
		}
		pattern, err := regexp.Compile("^(?:" + s.Pattern + ")$")
		if err != nil {
			c.Mistake(path+".pattern", err.Error(), "")
		} else if s.Pattern != "" {
			c.patterns[name] = pattern
		}
	case "day":
		if s.Latest != 0 && s.Latest < s.Earliest {
			c.Mistake(path+".latest", "is before earliest", "")
		}
		for i, day := range s.Except {
			if _, ok := weekdays[strings.ToLower(day)]; !ok {
				c.Mistake(fmt.Sprintf("%s.except[%d]", path, i), fmt.Sprintf("%q is no weekday", day), "Sunday, Monday, ...")
			}
		}
	case "choice":
		if len(s.Choices) < 2 || len(s.Choices) > 9 {
			c.Mistake(path+".choices", "want two to nine choices", "write choices: with a line for each, such as morning: [before noon, am]")
		}
	case "yes-no", "text":
	default:
		what, hint := strict.Unknown("type", s.Type, []string{"digits", "day", "yes-no", "choice", "text"})
		c.Mistake(path+".type", what, hint)
	}
}

func (c *checker) intents() {
	if len(c.file.Intents) == 0 {
		c.Mistake("intents", "no intents", "write at least one thing that callers want, with examples")
	}
	taken := map[string]string{}
	for _, name := range sortedKeys(c.file.Intents) {
		in, path := c.file.Intents[name], "intents."+name
		c.name(path, name)
		if len(in.Examples) < 3 {
			c.Mistake(path+".examples", fmt.Sprintf("only %d examples", len(in.Examples)), "write at least three, better ten, as callers say it")
		}
		c.examples(path+".examples", name, in.Examples, taken)
		c.texts(path+".answer", in.Answer)
		c.texts(path+".meant", in.Meant)
		switch {
		case (in.Flow == "") == (len(in.Answer) == 0):
			c.Mistake(path, "want either answer or flow", "")
		case in.Flow != "":
			c.flow(path+".flow", in.Flow)
		}
	}
}

// examples must hold words, and the same words for one intent only.
func (c *checker) examples(path, name string, examples []string, taken map[string]string) {
	for i, example := range examples {
		at, said := fmt.Sprintf("%s[%d]", path, i), plain(example)
		switch other := taken[said]; {
		case said == "":
			c.Mistake(at, "no words", "")
		case other == name:
			c.Mistake(at, fmt.Sprintf("%q is there twice", example), "remove one")
		case other != "":
			c.Mistake(at, fmt.Sprintf("%q is an example of %s too", example, other), "keep it where it belongs")
		}
		taken[said] = name
	}
}

func (c *checker) handOver() {
	h := &c.file.HandOver
	if h.Queue == "" {
		c.Mistake("hand_over.queue", "no queue", "write the queue that takes over when a rule names none")
	}
	if h.Anger.Threshold <= 0 || h.Anger.Threshold > 1 {
		c.Mistake("hand_over.anger.threshold", fmt.Sprintf("%v is not above 0 and at most 1", h.Anger.Threshold), "0.7 is usual")
	}
	if h.Unmatched.After < 1 {
		c.Mistake("hand_over.unmatched.after", "want 1 or more", "2 is usual")
	}
	c.texts("hand_over.say", h.Say)
	rules := h.rules()
	for _, name := range sortedKeys(rules) {
		c.texts("hand_over."+name+".say", rules[name].Say)
	}
	taken := map[string]string{}
	for _, name := range sortedKeys(c.file.Intents) {
		for _, example := range c.file.Intents[name].Examples {
			taken[plain(example)] = name
		}
	}
	for _, name := range sortedKeys(h.Sensitive) {
		rule, path := h.Sensitive[name], "hand_over.sensitive."+name
		if len(rule.Examples)+len(rule.Words) == 0 {
			c.Mistake(path, "nothing tells this subject", "write words: or examples:")
		}
		c.examples(path+".examples", name, rule.Examples, taken)
	}
}

// name must be usable as a place in wordings.
func (c *checker) name(path, name string) {
	if !identifier.MatchString(name) {
		c.Mistake(path, fmt.Sprintf("%q is no name", name), "letters, digits and _ , beginning with a letter")
	}
	if slices.Contains(builtIn, name) || strings.HasPrefix(name, "ivr_") {
		c.Mistake(path, fmt.Sprintf("%q is taken", name), "choose another name")
	}
}

var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (c *checker) need(path, key string, wordings []string) {
	if len(wordings) == 0 {
		c.Mistake(path, "no "+key, "write "+key+": and what the bot shall say")
	}
}

func (c *checker) flow(path, name string) {
	if _, ok := c.file.Flows[name]; !ok {
		what, hint := strict.Unknown("flow", name, sortedKeys(c.file.Flows))
		c.Mistake(path, what, hint)
	}
}

// texts parses wordings for later and checks the values they name.
func (c *checker) texts(path string, wordings []string, also ...string) {
	for i, w := range wordings {
		at := fmt.Sprintf("%s[%d]", path, i)
		parsed, problems := parseText(w)
		for _, problem := range problems {
			c.Mistake(at, problem, "formats are "+strings.Join(sortedKeys(formats), ", "))
		}
		for _, name := range parsed.names() {
			if !slices.Contains(c.values, name) && !slices.Contains(also, name) {
				what, hint := strict.Unknown("value", name, append(slices.Clone(c.values), also...))
				c.Mistake(at, what, hint)
			}
		}
		if strings.TrimSpace(w) == "" {
			c.Mistake(at, "no words", "")
		}
		c.Bot.texts[w] = parsed
	}
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (c *checker) fetch(path string, f *fetchStep) {
	if f.URL == "" {
		c.Mistake(path, "no url", "write url: /parcels/{{parcel}}")
	} else if !strings.Contains(f.URL, "://") && c.file.Backend == "" {
		c.Mistake(path+".url", "is relative, and the bot has no backend", "write backend: and the base of its URLs")
	}
	if !slices.Contains(methods, f.Method) {
		what, hint := strict.Unknown("method", f.Method, methods)
		c.Mistake(path+".method", what, hint)
	}
	if f.Timeout <= 0 || f.Tries < 1 || f.Tries > 5 {
		c.Mistake(path, "want a timeout above 0 and one to five tries", "")
	}
	c.texts(path+".url", []string{f.URL})
	for _, key := range sortedKeys(f.Body) {
		c.texts(path+".body."+key, []string{f.Body[key]})
	}
	c.texts(path+".tried", f.Tried)
	for _, status := range sortedKeys(f.On) {
		if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 599 {
			c.Mistake(path+".on."+status, "is no HTTP status", "404, 409, ...")
		}
	}
	for _, name := range sortedKeys(f.Values) {
		c.name(path+".values."+name, name)
	}
}
