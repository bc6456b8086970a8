package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"ivr/call"
	"ivr/console"
	"ivr/dialog"
	"ivr/media"
	"ivr/records"
	"ivr/sip"
	"ivr/speech"
	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
	"ivr/transfer"
	"ivr/webrtc"
)

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve CONFIG",
		Short: "Serve calls",
		Long: `Serve calls as the configuration says, until SIGTERM or SIGINT: then no new calls are taken, those in
progress may go on for the time that the configuration allows, and the exit code is 0.
Logs are JSON on standard error, one line when a call ends.`,
		Example: "  ivr serve examples/courier/ivr.yaml",
		Args:    oneArg("the configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
			u := newUnderstanding(cmd.Context(), cmd.OutOrStdout(), func(err error) { log.Warn("bots understand by words alone", "err", err) })
			defer u.close()
			cfg, bots, err := loadAll(args[0], u)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, bots, log, cmd.OutOrStdout())
		},
	}
}

// server is what serves calls: the rooms of the house, joined.
type server struct {
	cfg      *config
	log      *slog.Logger
	reg      *prometheus.Registry
	engines  *local.Engines
	mood     *speech.MoodDetector
	pool     *speech.Pool
	prompts  *speech.Prompts
	media    *media.Engine
	ua       *sip.UA
	browser  *webrtc.Endpoint // nil: there is neither a call page nor a seat with a browser
	desk     *transfer.Desk
	seatDesk *console.Desk // nil: no seat has a browser
	browsers browserSeats
	store    *records.Store
	metrics  *call.Metrics
	web      net.Listener
	houses   map[string]*call.House // by called number
	callers  sync.Map               // legs of the calls in progress, by Call-ID
	calls    sync.WaitGroup
}

// serve opens everything, serves until ctx is done, and drains. Interrupting a second time ends at once.
func serve(ctx context.Context, cfg *config, bots map[string]*dialog.Bot, log *slog.Logger, out io.Writer) error {
	s := &server{cfg: cfg, log: log, reg: prometheus.NewRegistry()}
	s.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer s.close()
	if err := s.open(ctx, bots, out); err != nil {
		return err
	}
	s.announce(out)
	return s.run(ctx)
}

// open makes every part ready; what takes ports comes last.
func (s *server) open(ctx context.Context, bots map[string]*dialog.Bot, out io.Writer) error {
	if err := os.MkdirAll(s.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	if err := s.openSpeech(ctx, bots, out); err != nil {
		return err
	}
	var err error
	if s.desk, err = transfer.NewDesk(s.cfg.desk()); err != nil {
		return err
	}
	s.reg.MustRegister(&deskCollector{s.desk})
	if s.store, err = records.Open(filepath.Join(s.cfg.Data, "ivr.db")); err != nil {
		return err
	}
	s.metrics = call.NewMetrics(s.reg)
	if err := s.openHouses(bots); err != nil {
		return err
	}
	return s.openSockets()
}

// openSpeech loads the engines and speaks every fixed prompt ahead, in parallel with nothing else: a call finds them ready.
func (s *server) openSpeech(ctx context.Context, bots map[string]*dialog.Bot, out io.Writer) error {
	set, err := models.Open(s.cfg.path(s.cfg.Speech.Models))
	if err != nil {
		return err
	}
	if s.engines, err = local.Open(set, local.Options{Recogniser: s.cfg.Speech.Recogniser, Voice: s.cfg.Speech.Voice, Hurried: *s.cfg.Speech.Hurried}); err != nil {
		return err
	}
	if s.mood, err = speech.NewMoodDetector(s.cfg.Speech.Recogniser); err != nil {
		return err
	}
	s.pool = speech.NewPool(s.engines.Recogniser, speech.PoolConfig{Workers: s.cfg.Speech.Workers, Hurried: s.engines.Hurried, Metrics: s.reg})
	s.prompts = speech.NewPrompts(s.engines.Voice, speech.PromptsConfig{
		VoiceName: s.engines.VoiceName(), Dir: filepath.Join(s.cfg.Data, "prompts"), Metrics: s.reg,
	})
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(bots)) {
		texts = append(texts, bots[name].Prompts()...)
	}
	bar := newBar(out, "speaking the prompts ahead")
	if err := s.prompts.Warm(ctx, texts, bar.set); err != nil {
		return err
	}
	bar.end()
	return nil
}

// openHouses makes one house for each called number.
func (s *server) openHouses(bots map[string]*dialog.Bot) error {
	hold := call.HoldMusic()
	if s.cfg.HoldMusic != "" {
		pcm, err := testaudio.ReadWAV(s.cfg.path(s.cfg.HoldMusic))
		if err != nil {
			return fmt.Errorf("hold_music: %w", err)
		}
		hold = media.NewPrompt(pcm[0])
	}
	tone := call.Beep()
	for _, c := range media.Codecs() {
		hold.Encode(c)
		tone.Encode(c)
	}
	s.houses = map[string]*call.House{}
	for number, file := range s.cfg.Bots {
		s.houses[number] = &call.House{
			Bot: bots[file], Desk: s.desk, Ears: s.ears, Voice: s.prompts, Dial: s.dialSeat,
			Backend: &call.HTTPBackend{Metrics: s.metrics}, Hold: hold, Tone: tone, Rescue: s.cfg.Rescue,
			Limits:   call.Limits{Bot: s.cfg.Limits.Bot, Call: s.cfg.Limits.Call, NoPacket: s.cfg.Limits.NoPacket},
			Transfer: s.cfg.transferLimits, Log: s.log, Metrics: s.metrics,
			Recording: s.recording, Message: s.path("messages"),
		}
	}
	return nil
}

func (s *server) openSockets() error {
	portMin, portMax, err := splitPorts(s.cfg.RTP.Ports)
	if err != nil {
		return err
	}
	bind, err := parseAddr(s.cfg.RTP.Bind)
	if err != nil {
		return err
	}
	s.media = media.NewEngine(media.Config{Bind: bind, PortMin: portMin, PortMax: portMax, Metrics: s.reg})
	cfg, err := s.cfg.sip()
	if err != nil {
		return err
	}
	cfg.Media, cfg.Log, cfg.Metrics = s.media, s.log, s.reg
	if s.ua, err = sip.New(cfg); err != nil {
		return err
	}
	if err := s.openBrowsers(); err != nil {
		return err
	}
	if s.browser != nil {
		if err := s.browser.Open(); err != nil {
			return fmt.Errorf("web.call.udp: %w", err)
		}
	}
	if s.web, err = net.Listen("tcp", s.cfg.Web.Listen); err != nil {
		return fmt.Errorf("web.listen: %w", err)
	}
	return nil
}

// close frees what open took, in any state.
func (s *server) close() {
	if s.store != nil {
		s.store.Close()
	}
	if s.engines != nil {
		s.engines.Close()
	}
}

// run serves until ctx is done, then drains: parts end in the order in which calls need them no more.
func (s *server) run(ctx context.Context) error {
	talking, endTalks := context.WithCancel(context.WithoutCancel(ctx)) // calls may go on after ctx
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	writing, endWriting := context.WithCancel(context.WithoutCancel(ctx))
	var parts, writer sync.WaitGroup
	parts.Go(func() { s.media.Run(serving) })
	parts.Go(func() { s.pool.Run(serving) })
	parts.Go(func() {
		if err := serveWeb(serving, s.web, s.newWeb(func() error { return ready(ctx) })); err != nil {
			s.log.Error("web", "err", err)
		}
	})
	writer.Go(func() {
		s.store.Run(writing, func(c records.Call, err error) {
			s.log.Error("a record could not be written", "call", c.ID, "err", err)
		})
	})
	var sipErr error
	served := make(chan struct{})
	go func() { defer close(served); sipErr = s.ua.Serve(talking, s.answer) }()
	if s.browser != nil {
		parts.Go(func() {
			if err := s.browser.Serve(talking, s.answerBrowser); err != nil {
				s.log.Error("calls from browsers", "err", err, "setting", "web.call.udp")
			}
		})
	}

	select {
	case <-ctx.Done():
		s.drain()
	case <-served: // the sockets are gone
	}
	endTalks()
	<-served
	endServing()
	parts.Wait()
	endWriting()
	writer.Wait()
	return sipErr
}

// drain refuses new calls and waits for those in progress, as long as the configuration allows or until a second signal.
func (s *server) drain() {
	s.ua.Drain()
	if s.browser != nil {
		s.browser.Drain()
	}
	s.log.Info("draining", "legs", s.ua.Active(), "limit", s.cfg.DrainAfter.String())
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	limit := time.NewTimer(s.cfg.DrainAfter)
	defer limit.Stop()
	done := make(chan struct{})
	go func() { defer close(done); s.calls.Wait() }()
	select {
	case <-done:
	case <-limit.C:
		s.log.Warn("calls in progress are ended: the drain limit has passed", "legs", s.ua.Active(), "setting", "drain")
	case <-again:
		s.log.Warn("calls in progress are ended: asked a second time", "legs", s.ua.Active())
	}
}

// ready is what /readyz says.
func ready(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("draining")
	}
	return nil
}
