package speech

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"ivr/media"
)

// PromptsConfig says how prompts are made and kept. Zero values mean the defaults in brackets.
type PromptsConfig struct {
	VoiceName string                // tells voices apart on disk: "piper-jenny"
	Codecs    []media.Codec         // prompts are encoded for these when they are made, for others when first played [G.711]
	Dir       string                // where fixed prompts are kept between starts; "" keeps none
	Parallel  int                   // clauses spoken at once, one core each [GOMAXPROCS]
	Memory    int64                 // bytes of prompts with values that are kept in case they come again [64 MB]
	Metrics   prometheus.Registerer // may be nil
}

// Prompts turns text into audio ready to be played. Fixed prompts are spoken ahead, by Warm, and stay. Prompts with values are
// spoken when needed, once for however many ask, and kept in memory only: what is said to a caller is not written to disk.
type Prompts struct {
	voice   Voice
	cfg     PromptsConfig
	slots   chan struct{} // a clause being spoken holds one
	metrics *voiceMetrics

	mu      sync.Mutex
	fixed   map[string]*media.Prompt
	kept    map[string]*list.Element // of recent
	recent  *list.List               // of *keptPrompt, the latest first
	size    int64
	flights map[string]*flight
}

type keptPrompt struct {
	text   string
	prompt *media.Prompt
}

// flight is a prompt being made; those who want the same wait for it.
type flight struct {
	done   chan struct{}
	prompt *media.Prompt
	err    error
}

// NewPrompts speaks nothing yet.
func NewPrompts(voice Voice, cfg PromptsConfig) *Prompts {
	if cfg.Parallel <= 0 {
		cfg.Parallel = runtime.GOMAXPROCS(0)
	}
	if cfg.Memory <= 0 {
		cfg.Memory = 64 << 20
	}
	if cfg.Codecs == nil {
		cfg.Codecs = []media.Codec{media.PCMU, media.PCMA}
	}
	return &Prompts{
		voice: voice, cfg: cfg, slots: make(chan struct{}, cfg.Parallel), metrics: newVoiceMetrics(cfg.Metrics),
		fixed: map[string]*media.Prompt{}, kept: map[string]*list.Element{}, recent: list.New(), flights: map[string]*flight{},
	}
}

// Warm makes fixed prompts ready, from disk where they were spoken before. Progress may be nil; it is told how many clauses of
// how many are ready. The first clause that cannot be spoken ends it.
func (p *Prompts) Warm(ctx context.Context, texts []string, progress func(done, total int)) error {
	var clauses []string
	seen := map[string]bool{}
	for _, text := range texts {
		for _, s := range sentences(text) {
			if !seen[s] {
				seen[s] = true
				clauses = append(clauses, s)
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.cfg.Parallel)
	var mu sync.Mutex
	done := 0
	for _, clause := range clauses {
		group.Go(func() error {
			prompt, err := p.fix(ctx, clause)
			if err != nil {
				return fmt.Errorf("speech: prompt %q: %w", clause, err)
			}
			p.mu.Lock()
			p.fixed[clause] = prompt
			p.mu.Unlock()
			if progress != nil {
				mu.Lock()
				defer mu.Unlock()
				done++
				progress(done, len(clauses))
			}
			return nil
		})
	}
	return group.Wait()
}

// fix makes a fixed prompt, from disk if it is there.
func (p *Prompts) fix(ctx context.Context, clause string) (*media.Prompt, error) {
	store := promptStore{dir: p.cfg.Dir, voice: p.cfg.VoiceName}
	if pcm, ok := store.read(clause); ok {
		p.metrics.looked.WithLabelValues("disk").Inc()
		return p.finish(clause, pcm), nil
	}
	pcm, err := p.speak(ctx, clause)
	if err != nil {
		return nil, err
	}
	return p.finish(clause, pcm), store.write(clause, pcm)
}

// Clauses cuts text into pieces to be spoken one after the other: sentences, and of a long first sentence that is not ready
// the first clause by itself, so that it is heard while the rest is being spoken.
func (p *Prompts) Clauses(text string) []string {
	list := sentences(text)
	if len(list) == 0 || p.ready(list[0]) != nil {
		return list
	}
	clause, rest := firstClause(list[0])
	if rest == "" {
		return list
	}
	return append([]string{clause, rest}, list[1:]...)
}

// ready looks a prompt up.
func (p *Prompts) ready(text string) *media.Prompt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if prompt := p.fixed[text]; prompt != nil {
		return prompt
	}
	if e := p.kept[text]; e != nil {
		p.recent.MoveToFront(e)
		return e.Value.(*keptPrompt).prompt
	}
	return nil
}

// Speak returns the audio of one clause, from memory if it is there. Who asks for what is being made waits for that.
func (p *Prompts) Speak(ctx context.Context, text string) (*media.Prompt, error) {
	if prompt := p.ready(text); prompt != nil {
		p.metrics.looked.WithLabelValues("memory").Inc()
		return prompt, nil
	}
	for {
		f, mine := p.board(text)
		if mine {
			return p.make(ctx, text, f)
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if !errors.Is(f.err, errLeft) {
			return f.prompt, f.err
		}
	}
}

// errLeft says that who was making a prompt left before it was made: another has to.
var errLeft = errors.New("speech: its maker left")

func (p *Prompts) board(text string) (f *flight, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.flights[text]; f != nil {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	p.flights[text] = f
	return f, true
}

// make speaks for all who wait on f.
func (p *Prompts) make(ctx context.Context, text string, f *flight) (*media.Prompt, error) {
	pcm, err := p.speak(ctx, text)
	if err == nil {
		f.prompt = p.finish(text, pcm)
		p.metrics.looked.WithLabelValues("voice").Inc()
	}
	f.err = err
	if err != nil && ctx.Err() != nil {
		f.err = errLeft
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flights, text)
	close(f.done)
	if err != nil {
		return nil, err
	}
	p.keep(text, f.prompt)
	return f.prompt, nil
}

// keep remembers a prompt and forgets those not asked for longest. p.mu is held.
func (p *Prompts) keep(text string, prompt *media.Prompt) {
	p.kept[text] = p.recent.PushFront(&keptPrompt{text, prompt})
	p.size += p.cost(prompt)
	for p.size > p.cfg.Memory && p.recent.Len() > 1 {
		oldest := p.recent.Remove(p.recent.Back()).(*keptPrompt)
		delete(p.kept, oldest.text)
		p.size -= p.cost(oldest.prompt)
	}
}

// cost is about what a prompt takes of memory: two bytes a sample, and half a byte a sample for each codec at 8 kHz.
func (p *Prompts) cost(prompt *media.Prompt) int64 {
	samples := int64(len(prompt.PCM()))
	return 2*samples + samples/2*int64(len(p.cfg.Codecs))
}

// speak has the voice speak when a slot is free, and waits for it. A panic of the engine is an error.
func (p *Prompts) speak(ctx context.Context, text string) (pcm []int16, err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-p.slots }()
	started := time.Now()
	done := make(chan struct{})
	go func() { // a thread of its own, which gives way
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("speech: the voice panicked: %v\n%s", v, debug.Stack())
			}
		}()
		giveWay()
		pcm, err = p.voice.Speak(ctx, text)
	}()
	<-done
	switch {
	case err == nil:
		p.metrics.took.Observe(time.Since(started).Seconds())
	case ctx.Err() == nil:
		p.metrics.failed.Inc()
	}
	return pcm, err
}

// finish makes a prompt of audio: a pause after it as its punctuation asks for, and encoded for every codec. Text with nothing
// to say is a frame of silence.
func (p *Prompts) finish(text string, pcm []int16) *media.Prompt {
	pause := media.FrameSamples
	if len(pcm) > 0 {
		pause = pauseAfter(text)
	}
	whole := make([]int16, len(pcm)+pause)
	copy(whole, pcm)
	prompt := media.NewPrompt(whole)
	for _, codec := range p.cfg.Codecs {
		prompt.Encode(codec)
	}
	return prompt
}

// pauseAfter is how many samples of silence follow a clause, beside the little that the voice leaves.
func pauseAfter(text string) int {
	const ms = media.SampleRate / 1000
	switch text[len(text)-1] {
	case '.', '!', '?':
		return 160 * ms
	case ',', ';', ':':
		return 80 * ms
	}
	return 0
}
