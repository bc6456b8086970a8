package speech

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ivr/media"
)

// Errors of [Pool.Recognise], beside those of the engine.
var (
	ErrBusy     = errors.New("speech: the recognisers have too much to do")
	ErrPanicked = errors.New("speech: the recogniser panicked")
)

// PoolConfig says how utterances are recognised. Zero values mean the defaults in brackets.
type PoolConfig struct {
	Workers int                   // utterances at once, one core each [GOMAXPROCS]
	Queue   int                   // utterances that may wait [8 a worker]
	Hurried Recogniser            // quicker and less exact: works while others would wait for long; nil: none
	Metrics prometheus.Registerer // may be nil
}

// Pool recognises utterances, a worker each. What would wait longer than its caller is patient is refused at once, with
// [ErrBusy], so that a rush costs some callers a repeated sentence and not all of them a long silence.
type Pool struct {
	engine  engine
	hurried *engine // nil: none
	workers int
	queue   chan *task
	metrics *poolMetrics

	mu      sync.Mutex
	backlog time.Duration // of audio that waits or is at work
	tasks   int           // that wait or are at work
}

// engine is a recogniser and how quick it is.
type engine struct {
	Recogniser
	pace float64 // engine time a second of audio, a moving average
}

// task is one utterance on its way.
type task struct {
	ctx    context.Context
	pcm    []int16
	queued time.Time
	done   chan struct{}
	result Recognised
	err    error
}

// Recognised is a transcript and what it cost.
type Recognised struct {
	Transcript
	Waited time.Duration // in the queue
	Took   time.Duration // in the engine
}

// NewPool starts nothing: see [Pool.Run].
func NewPool(recogniser Recogniser, cfg PoolConfig) *Pool {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 8 * cfg.Workers
	}
	p := &Pool{engine: engine{recogniser, firstPace}, workers: cfg.Workers, queue: make(chan *task, cfg.Queue)}
	if cfg.Hurried != nil {
		p.hurried = &engine{cfg.Hurried, firstPace / 2}
	}
	p.metrics = newPoolMetrics(cfg.Metrics, func() float64 { return float64(len(p.queue)) })
	return p
}

// firstPace is taken for the engine's pace before it has shown its own.
const firstPace = 0.06

// hurryFrom is how long the others would wait for the exact engine from which the hurried one does the work: a mistake costs a caller
// more than a second, so it is only for times when callers would be refused.
const hurryFrom = 1500 * time.Millisecond

// Run works until ctx is done, and returns when the workers have put down what they held. Nothing is recognised before Run.
func (p *Pool) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range p.workers {
		wg.Go(func() { p.work(ctx) })
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (p *Pool) work(ctx context.Context) {
	giveWay()
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-p.queue:
			p.perform(t)
		}
	}
}

// perform has the engine work on one task, unless nobody waits for it any more.
func (p *Pool) perform(t *task) {
	defer close(t.done)
	defer p.leave(t)
	started := time.Now()
	t.result.Waited = started.Sub(t.queued)
	if t.ctx.Err() != nil {
		t.err = context.Cause(t.ctx)
		return
	}
	p.metrics.wait.Observe(t.result.Waited.Seconds())
	engine := p.choose(t)
	t.result.Transcript, t.err = p.recognise(engine, t)
	t.result.Took = time.Since(started)
	if t.err == nil {
		p.metrics.took.Observe(t.result.Took.Seconds())
		p.learn(engine, t.result.Took, durationOf(t.pcm))
	}
}

// choose picks the engine for a task that is about to be done.
func (p *Pool) choose(t *task) *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hurried == nil || p.lasts(&p.engine, p.backlog-durationOf(t.pcm)) <= hurryFrom {
		return &p.engine
	}
	p.metrics.hurried.Inc()
	return p.hurried
}

// lasts is how long the workers are busy with some audio.
func (p *Pool) lasts(e *engine, audio time.Duration) time.Duration {
	return time.Duration(e.pace * float64(audio) / float64(p.workers))
}

// recognise calls the engine; its panic ends only this utterance.
func (p *Pool) recognise(e *engine, t *task) (tr Transcript, err error) {
	defer func() {
		if v := recover(); v != nil {
			p.metrics.panics.Inc()
			err = fmt.Errorf("%w: %v\n%s", ErrPanicked, v, debug.Stack())
		}
	}()
	return e.Recognise(t.ctx, t.pcm)
}

// Recognise queues an utterance and waits for its words, or until ctx is done; an engine that does not come back keeps its
// worker but not its caller. The error is [ErrBusy] if it would wait longer than patience in the queue.
func (p *Pool) Recognise(ctx context.Context, pcm []int16, patience time.Duration) (Recognised, error) {
	t := &task{ctx: ctx, pcm: pcm, queued: time.Now(), done: make(chan struct{})}
	if err := p.enter(t, patience); err != nil {
		return Recognised{}, err
	}
	select {
	case <-t.done:
		return t.result, t.err
	case <-ctx.Done():
		return Recognised{}, context.Cause(ctx)
	}
}

func (p *Pool) enter(t *task, patience time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait() > patience {
		p.metrics.refused.WithLabelValues("late").Inc()
		return ErrBusy
	}
	select {
	case p.queue <- t:
		p.backlog += durationOf(t.pcm)
		p.tasks++
		return nil
	default:
		p.metrics.refused.WithLabelValues("full").Inc()
		return ErrBusy
	}
}

// wait is how long a new task would stand in the queue, by what stands there and the pace of the engines.
func (p *Pool) wait() time.Duration {
	if p.tasks < p.workers {
		return 0
	}
	exact := p.lasts(&p.engine, p.backlog)
	if p.hurried != nil && exact > hurryFrom {
		return min(exact, hurryFrom+p.lasts(p.hurried, p.backlog))
	}
	return exact
}

// Idle says whether a worker has nothing to do.
func (p *Pool) Idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tasks < p.workers
}

func (p *Pool) leave(t *task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backlog -= durationOf(t.pcm)
	p.tasks--
}

func (p *Pool) learn(e *engine, took, audio time.Duration) {
	const weight = 0.1
	if audio <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e.pace += weight * (took.Seconds()/audio.Seconds() - e.pace)
}

func durationOf(pcm []int16) time.Duration {
	return time.Duration(len(pcm)) * time.Second / media.SampleRate
}
