package dialog

import (
	"fmt"
	"slices"

	"ivr/internal/strict"
)

// kinds of a step that are set, by their keys.
func (s *step) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		key string
		set bool
	}{
		{"say", len(s.Say) > 0}, {"ask", s.Ask != ""}, {"confirm", s.Confirm != nil}, {"fetch", s.Fetch != nil},
		{"decide", s.Decide != nil}, {"menu", s.Menu != nil}, {"hand_over", s.HandOver != nil}, {"message", s.Message != nil},
		{"forget", len(s.Forget) > 0}, {"go", s.Go != ""}, {"done", s.Done != nil}, {"end", len(s.End) > 0},
	} {
		if k.set {
			kinds = append(kinds, k.key)
		}
	}
	return kinds
}

// leaves says whether nothing after the step is reached.
func (s *step) leaves() bool {
	return s.Go != "" || len(s.End) > 0 || s.HandOver != nil || s.Message != nil || s.Done != nil
}

func (c *checker) steps(path string, steps []step) {
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s[%d]", path, i)
		if kinds := s.kinds(); len(kinds) != 1 {
			c.Mistake(at, fmt.Sprintf("a step does one thing, this one does %d", len(kinds)),
				"one of say, ask, confirm, fetch, decide, menu, hand_over, message, forget, go, done, end")
		}
		if s.leaves() && i+1 < len(steps) {
			c.Mistake(fmt.Sprintf("%s[%d]", path, i+1), "is never reached", "the step before it leaves the flow")
		}
		c.step(at, s)
		s.branches(func(inner string, steps []step) { c.steps(at+"."+inner, steps) })
	}
}

func (c *checker) step(at string, s *step) {
	for key, wordings := range s.wordings() {
		c.texts(at+"."+key, wordings)
	}
	for _, name := range append(slices.Clone(s.Forget), s.Ask) {
		if _, ok := c.file.Slots[name]; !ok && name != "" {
			what, hint := strict.Unknown("slot", name, sortedKeys(c.file.Slots))
			c.Mistake(at, what, hint)
		}
	}
	switch {
	case s.Done != nil && !*s.Done:
		c.Mistake(at+".done", "false does nothing", "write done: true, or leave the step out")
	case s.Go != "":
		c.flow(at+".go", s.Go)
	case s.Confirm != nil:
		c.need(at+".confirm", "say", s.Confirm.Say)
	case s.Fetch != nil:
		c.fetch(at+".fetch", s.Fetch)
	case s.Decide != nil:
		if !slices.Contains(c.values, s.Decide.Value) {
			what, hint := strict.Unknown("value", s.Decide.Value, c.values)
			c.Mistake(at+".decide.value", what, hint)
		}
		if len(s.Decide.Cases) == 0 {
			c.Mistake(at+".decide.cases", "no cases", "write each value with its steps")
		}
	case s.Menu != nil:
		c.menu(at+".menu", s.Menu)
	case s.HandOver != nil:
		if s.HandOver.Detail != "" {
			c.texts(at+".hand_over.detail", []string{s.HandOver.Detail})
		}
	}
}

func (c *checker) menu(path string, m *menuStep) {
	c.need(path, "say", m.Say)
	if len(m.Options) == 0 {
		c.Mistake(path+".options", "no options", "write each key with its words and steps")
	}
	for _, key := range sortedKeys(m.Options) {
		if len(key) != 1 || key < "1" || key > "9" {
			c.Mistake(path+".options."+key, fmt.Sprintf("key %q", key), "1 to 9: zero is for a person, star and hash for the bot itself")
		}
	}
}

// loops finds flows that go round without ever waiting for the caller or the back end.
func (c *checker) loops() {
	for _, name := range sortedKeys(c.file.Flows) {
		if c.returns(name, name, nil) {
			c.Mistake("flows."+name, "goes round for ever without waiting for the caller", "ask or end somewhere on the way")
		}
	}
}

// returns says whether the steps of flow lead to target without waiting on the way.
func (c *checker) returns(flow, target string, seen []string) bool {
	if slices.Contains(seen, flow) {
		return false
	}
	return c.reaches(c.file.Flows[flow], target, append(seen, flow))
}

func (c *checker) reaches(steps []step, target string, seen []string) bool {
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Go != "":
			return s.Go == target || c.returns(s.Go, target, seen)
		case s.Decide != nil:
			found := false
			s.branches(func(_ string, inner []step) { found = found || c.reaches(inner, target, seen) })
			if found {
				return true
			}
		case s.leaves() || s.Ask != "" || s.Confirm != nil || s.Menu != nil || s.Fetch != nil:
			return false
		}
	}
	return false
}
