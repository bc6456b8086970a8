package dialog

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// startFlow begins a flow with what the caller said in asking for it: "where is my parcel four five one two" fills the
// number at once.
func (s *Session) startFlow(name, utterance string) {
	for _, slot := range s.bot.needs[name] {
		if of := s.bot.file.Slots[slot]; !of.Keep || another(of.Label, utterance) {
			s.forget(slot)
		}
	}
	s.asked, s.refused = nil, 0
	s.fillFrom(name, utterance)
	s.enter(name)
	s.run()
}

// another says whether an utterance speaks of another one of what a label names: "my other parcel".
func another(label, utterance string) bool {
	said := plain(utterance)
	for _, word := range append(tokens(label), "one") {
		for _, other := range []string{"another", "other", "different", "second", "next"} {
			if hasPhrase(said, other+" "+word) {
				return true
			}
		}
	}
	return false
}

// enter leaves what is running for the beginning of a flow.
func (s *Session) enter(flow string) {
	s.flow, s.stack = flow, []frame{{steps: s.bot.file.Flows[flow]}}
}

func (s *Session) forget(slot string) {
	delete(s.values, slot)
	delete(s.proven, slot)
}

// fillFrom takes the values of a flow's slots out of an utterance and says whether there were any.
func (s *Session) fillFrom(flow, utterance string) (any bool) {
	for _, name := range s.bot.needs[flow] {
		switch s.bot.file.Slots[name].Type {
		case "digits", "day", "choice":
			if got := s.bot.hear(name, utterance, s.now); got.value != "" && got.value != s.values[name] {
				s.values[name], any = got.value, true
				delete(s.proven, name)
			}
		}
	}
	return any
}

func (s *Session) push(steps []step) { s.stack = append(s.stack, frame{steps: steps}) }

// run performs steps until one waits; at the end of the flow the caller is asked for more.
func (s *Session) run() {
	for range mostSteps {
		if len(s.stack) == 0 {
			s.more()
			return
		}
		top := &s.stack[len(s.stack)-1]
		if top.next >= len(top.steps) {
			s.stack = s.stack[:len(s.stack)-1]
			continue
		}
		next := &top.steps[top.next]
		top.next++
		if s.perform(next) {
			return
		}
	}
	s.handOver(ReasonFlow, nil, "the flow "+s.flow+" goes round without end")
}

// perform does one step and says whether the session waits now.
func (s *Session) perform(st *step) (waits bool) {
	s.visit(st.at)
	switch {
	case len(st.Say) > 0:
		before := len(s.out)
		s.say(st.Say)
		if st.HeardOut && len(s.out) > before { // nothing is said when all its values are empty
			said := s.out[before].(Say)
			said.Interruptible = false
			s.out[before] = said
		}
	case st.Ask != "":
		return s.needSlot(st)
	case st.Confirm != nil:
		s.put(&confirmation{step: st})
		return true
	case st.Fetch != nil:
		s.startFetch(st)
		return true
	case st.Decide != nil:
		branch, ok := st.Decide.Cases[s.value(st.Decide.Value)]
		if !ok {
			branch = st.Decide.Else
		}
		s.push(branch)
	case st.Menu != nil:
		s.put(&menuQuestion{step: st})
		return true
	case len(st.Forget) > 0:
		for _, slot := range st.Forget {
			s.forget(slot)
		}
	case st.Go != "":
		s.enter(st.Go)
	case st.Done != nil:
		s.stack = nil
	default:
		s.leave(st)
		return true
	}
	return false
}

// leave does the steps that end the bot's part.
func (s *Session) leave(st *step) {
	switch {
	case st.HandOver != nil:
		rule := &handOverRule{Queue: st.HandOver.Queue, Say: st.HandOver.Say}
		s.handOver(ReasonFlow, rule, s.fill(st.HandOver.Detail, nil))
	case st.Message != nil:
		s.takeMessage(st.Message.Say)
	default:
		s.say(st.End)
		s.end("done")
	}
}

// needSlot asks for a slot unless it is known; what was not read back yet is.
func (s *Session) needSlot(st *step) (waits bool) {
	slot := s.bot.file.Slots[st.Ask]
	value, known := s.values[st.Ask]
	switch {
	case known && slot.Confirm && !s.proven[st.Ask]:
		s.put(&readBack{slot: st.Ask, at: st.at, value: value})
	case known:
		return false
	default:
		s.asked = append(slices.DeleteFunc(s.asked, func(name string) bool { return name == st.Ask }), st.Ask)
		s.put(&slotQuestion{slot: st.Ask, at: st.at})
	}
	return true
}

func (s *Session) startFetch(st *step) {
	f := st.Fetch
	s.fetches++
	s.fetch, s.fetchID, s.state = st, fmt.Sprintf("%s#%d", st.at, s.fetches), fetching
	url := s.bot.texts[f.URL].fill(func(name, _ string) string { return escaped(s.value(name)) })
	if !strings.Contains(url, "://") {
		url = strings.TrimRight(s.bot.file.Backend, "/") + "/" + strings.TrimLeft(url, "/")
	}
	headers := maps.Clone(s.bot.file.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	maps.Copy(headers, f.Headers)
	var body map[string]any
	for key, wording := range f.Body {
		if body == nil {
			body = map[string]any{}
		}
		body[key] = s.bot.texts[wording].fill(func(name, _ string) string { return s.value(name) })
	}
	s.out = append(s.out, Fetch{ID: s.fetchID, Method: f.Method, URL: url, Headers: headers, Body: body,
		Timeout: f.Timeout, Tries: f.Tries, Filler: s.words(f.Filler, nil)})
}

// fetched goes on with what the back end said; an answer that nobody waits for any more changes nothing.
func (s *Session) fetched(event Fetched) {
	if s.state != fetching || event.ID != s.fetchID {
		return
	}
	f := s.fetch.Fetch
	s.fetch, s.fetchID = nil, ""
	s.note(s.words(f.Tried, nil))
	for name := range f.Values { // those of an earlier answer are about something else
		if s.bot.file.Slots[name] == nil {
			delete(s.values, name)
		}
	}
	branch, listed := f.On[strconv.Itoa(event.Status)]
	switch {
	case listed || event.Err == "" && event.Status >= 200 && event.Status < 300:
		for name, path := range f.Values {
			s.values[name] = lookUp(event.Body, path)
		}
		s.push(branch)
		s.run()
	case len(f.Failed) > 0:
		s.note("the look-up failed")
		s.push(f.Failed)
		s.run()
	default:
		s.handOver(ReasonBackend, &s.bot.file.HandOver.Backend, orDefault(event.Err, fmt.Sprintf("the back end answered %d", event.Status)))
	}
}

// note remembers what the bot did, for the seat.
func (s *Session) note(did string) {
	if did != "" && (len(s.tried) == 0 || s.tried[len(s.tried)-1] != did) {
		s.tried = append(s.tried, did)
	}
}

// lookUp follows a path such as "address.lines.0" into decoded JSON; what is not there is "".
func lookUp(body map[string]any, path string) string {
	var at any = body
	for _, key := range strings.Split(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(in) {
				return ""
			}
			at = in[i]
		default:
			return ""
		}
	}
	switch value := at.(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		if value == math.Trunc(value) && math.Abs(value) < 1e15 {
			return strconv.FormatInt(int64(value), 10)
		}
		return strconv.FormatFloat(value, 'f', -1, 64)
	case map[string]any, []any:
		data, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(data)
	default:
		return fmt.Sprint(value)
	}
}
