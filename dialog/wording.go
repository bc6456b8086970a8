package dialog

import "slices"

// defaultWording is what the bot says where its file has no words of its own: the keys of "wording:".
// Places: {{label}} is the slot or intent asked about, {{topics}} the labels of the intents.
var defaultWording = map[string][]string{
	"how_can_i_help": {"How can I help you?"},
	"anything_else":  {"Is there anything else I can help you with?", "Anything else?"},
	"what_else":      {"What is it?", "Go ahead."},
	"goodbye":        {"Thank you for calling. Goodbye."},
	"thanks":         {"You are welcome."},
	"hello":          {"Hello. I can hear you."},
	"hold_on":        {"Take your time. I will wait."},
	"go_on":          {"Go on."},
	"start_over":     {"All right, from the beginning."},
	"cancelled":      {"All right, I have stopped that."},
	"nothing_yet":    {"I have not started anything yet."},
	"can_do":         {"You can ask me about {{topics}}. Press zero at any time for a person."},

	"no_input_1": {"Are you still there?"},
	"no_input_2": {"I cannot hear you. You can also press zero for a person."},
	"no_input_3": {"I still cannot hear you, so I will end the call here. Goodbye."},

	"no_match":     {"Sorry, I did not get that.", "Sorry, I am not sure I understood."},
	"unknown_key":  {"That key does nothing here."},
	"meant":        {"Is this about {{label}}?"},
	"meant_person": {"Would you like to talk to a colleague?"},
	"no_answer":    {"Sorry, I did not catch the {{label}}."},
	"no_choice":    {"Sorry, I did not get which one."},
	"no_yes_no":    {"Sorry, was that a yes or a no?"},
	"yes_no_keys":  {"For yes press one, for no press two."},
	"wrong_length": {"I heard {{heard | digits}}, but the {{label}} has {{length | number}} digits."},
	"wrong_digits": {"I heard {{heard | digits}}, which does not look right for a {{label}}."},
	"wrong_day":    {"Sorry, {{heard | day}} is not possible."},
	"digits_keys":  {"You can also key in the {{label}} on your telephone."},
	"digits_end":   {"You can also key in the {{label}} on your telephone, and end with the hash key."},
	"day_keys":     {"For {{day | day}} press {{key | number}}."},
	"choice_keys":  {"For {{choice}} press {{key | number}}."},
	"read_back":    {"{{value}}. Is that right?"},
	"once_more":    {"All right, once more."},

	"tense":         {"I am sorry for the trouble. For a colleague, say colleague or press zero at any time."},
	"hand_over":     {"One moment, I am getting a colleague for you."},
	"anger":         {"I am sorry about this. I am getting a colleague for you now."},
	"sensitive":     {"I am sorry to hear that. I am getting a colleague for you now."},
	"unmatched":     {"I want you to get the right answer, so I am getting a colleague for you."},
	"asked":         {"Of course. I am getting a colleague for you."},
	"key":           {"One moment, I am getting a colleague for you."},
	"backend":       {"I am sorry, I cannot look that up at the moment. I am getting a colleague for you."},
	"no_seat":       {"I am sorry, nobody is free at the moment."},
	"no_seat_offer": {"To leave a message, say message or press one. To go on with me, say go on or press two."},
	"still_no_seat": {"I am sorry, there is still nobody free."},
	"go_on_with_me": {"All right, let us go on. How can I help you?"},
	"message":       {"Please leave your message after the tone. Press hash when you have finished."},
	"message_empty": {"I did not hear a message. Please try again after the tone."},
	"message_left":  {"Thank you. Somebody will get back to you."},
}

// wording returns the bot's words for a built-in prompt.
func (b *Bot) wording(key string) []string {
	if own := b.file.Wording[key]; len(own) > 0 {
		return own
	}
	return defaultWording[key]
}

// Prompts lists every sentence the bot may say that holds no value of a call, as [Say] will have it, so that a voice
// can speak them ahead. Sorted, each once.
func (b *Bot) Prompts() []string {
	var all []string
	add := func(wordings []string, values map[string]string) {
		for _, w := range wordings {
			parsed := b.texts[w]
			for _, name := range parsed.names() {
				if _, known := values[name]; !known {
					parsed = text{}
					break
				}
			}
			if said := speakable(parsed.fill(func(name, _ string) string { return values[name] })); said != "" {
				all = append(all, said)
			}
		}
	}
	add(b.file.Greeting, nil)
	for key := range defaultWording {
		add(b.wording(key), map[string]string{"topics": b.topics()})
	}
	for _, s := range b.file.Slots {
		label := map[string]string{"label": s.Label}
		for _, list := range [][]string{s.Ask, s.Help, s.Keys, b.wording("no_answer"), b.wording("digits_keys"), b.wording("digits_end")} {
			add(list, label)
		}
		key := 0
		for _, choice := range sortedKeys(s.Choices) {
			key++
			add(b.wording("choice_keys"), map[string]string{"choice": choice, "key": units[min(key, 9)]})
		}
	}
	for _, in := range b.file.Intents {
		add(in.Answer, nil)
		add(in.Meant, nil)
		if len(in.Meant) == 0 {
			add(b.wording("meant"), map[string]string{"label": in.Label})
		}
	}
	for _, rule := range b.file.HandOver.rules() {
		add(rule.Say, nil)
	}
	add(b.file.HandOver.Say, nil)
	for _, steps := range b.file.Flows {
		eachStep(steps, func(s *step) {
			for _, list := range s.wordings() {
				add(list, nil)
			}
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wordings are all the texts that a step may say, by their key in the file.
func (s *step) wordings() map[string][]string {
	texts := map[string][]string{"say": s.Say, "end": s.End}
	switch {
	case s.Confirm != nil:
		texts["confirm.say"] = s.Confirm.Say
	case s.Fetch != nil:
		texts["fetch.filler"] = s.Fetch.Filler
	case s.Menu != nil:
		texts["menu.say"] = s.Menu.Say
	case s.HandOver != nil:
		texts["hand_over.say"] = s.HandOver.Say
	case s.Message != nil:
		texts["message.say"] = s.Message.Say
	}
	return texts
}

// topics are what the bot can help with, as one says a list.
func (b *Bot) topics() string {
	var labels []string
	for _, name := range sortedKeys(b.file.Intents) {
		if in := b.file.Intents[name]; !in.quiet() {
			labels = append(labels, in.Label)
		}
	}
	return spokenList(labels)
}

// quiet intents are small talk: not named when the bot says what it can do.
func (in *intent) quiet() bool { return in.Flow == "" && in.AskMore != nil && !*in.AskMore }

func spokenList(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	out := items[0]
	for _, item := range items[1 : len(items)-1] {
		out += ", " + item
	}
	return out + " or " + items[len(items)-1]
}
