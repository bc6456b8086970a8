package dialog

// Part is an intent or a step of a bot, for reports of what its tests reach.
type Part struct {
	Name string // "tracking.2", "tracking.parcel"; an intent's own name
	Line int    // in the bot file
}

// Intents are the bot's intents, by name.
func (b *Bot) Intents() (parts []Part) {
	for _, name := range sortedKeys(b.file.Intents) {
		parts = append(parts, Part{name, int(b.file.Intents[name].Line)})
	}
	return parts
}

// Steps are the steps of the bot's flows, by flow, in the order of the file.
func (b *Bot) Steps() (parts []Part) {
	for _, flow := range sortedKeys(b.file.Flows) {
		eachStep(b.file.Flows[flow], func(s *step) { parts = append(parts, Part{s.at, int(s.Line)}) })
	}
	return parts
}

// Visited says whether the session came by an intent or a step.
func (s *Session) Visited(name string) bool { return s.visited[name] }

func (s *Session) visit(name string) {
	if s.visited != nil {
		s.visited[name] = true
	}
}
