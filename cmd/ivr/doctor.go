package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"ivr/internal/strict"
	"ivr/media"
	"ivr/sip"
)

// doctorOptions are the flags of ivr doctor.
type doctorOptions struct {
	call string
	from string
	json bool
}

func newDoctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor CONFIG [TRUNK...]",
		Short: "Try the trunks of a configuration and say what is wrong and what to change",
		Long: `Try each trunk of a configuration, or those that are named, in the order in which a call would need it: does
its name lead anywhere, does a server answer, is its certificate believed, does it take our credentials, where
does it see us. With --call a call is placed too: an echo test, of which every PBX and most carriers have one
(Asterisk *43 or 600, FreeSWITCH 9196), says whether the audio passes both ways.

Nothing changes at the far end: what is registered is only asked for. The house may run meanwhile.
Exit code 0: nothing is wrong, 1: something is, 2: wrong usage or a mistake in the configuration.`,
		Example: `  ivr doctor ivr.yaml
  ivr doctor ivr.yaml carrier
  ivr doctor ivr.yaml carrier --call 9196
  ivr doctor ivr.yaml --json | jq '.[] | select(.verdict == "wrong")'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s wants the configuration file, and may have trunks after it; see: %s --help", cmd.CommandPath(), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDoctor(cmd.Context(), cmd.OutOrStdout(), args[0], args[1:], o)
		},
	}
	cmd.Flags().StringVar(&o.call, "call", "", "place a call to `NUMBER`, an echo test, by each trunk")
	cmd.Flags().StringVar(&o.from, "from", "", "`NUMBER` that calls (default: that of the trunk)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// verdict of one finding.
const (
	well   = "ok"
	advice = "advice"
	wrong  = "wrong"
)

// finding is one thing that the doctor has found out.
type finding struct {
	Trunk   string `json:"trunk"`
	Step    string `json:"step"` // name, connection, certificate, answer, address, account, call, audio
	Verdict string `json:"verdict"`
	What    string `json:"what"`
	Change  string `json:"change,omitempty"` // that would mend it
}

func runDoctor(ctx context.Context, out io.Writer, path string, names []string, o doctorOptions) error {
	cfg, err := loadConfig(path)
	if err != nil {
		return err
	}
	if len(cfg.Trunks) == 0 {
		return usageError{fmt.Errorf("%s has no trunks: docs/trunks.md says how to add one", path)}
	}
	for _, name := range names {
		if _, ok := cfg.Trunks[name]; !ok {
			return usageError{fmt.Errorf("%s has no trunk %q: there are %s", path, name, strings.Join(cfg.trunkNames(), ", "))}
		}
	}
	if len(names) == 0 {
		names = cfg.trunkNames()
	}
	d, err := openDoctor(ctx, cfg)
	if err != nil {
		return err
	}
	defer d.close()
	var all []finding
	for _, name := range names {
		found, err := d.try(ctx, name, o)
		if err != nil {
			return err
		}
		all = append(all, found...)
		if !o.json {
			printFindings(out, name, found)
		}
	}
	if o.json {
		if err := printJSON(out, all); err != nil {
			return err
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(all), func(f finding) bool { return f.Verdict != wrong })); n > 0 {
		return fmt.Errorf("not well: %d of %d findings need a change", n, len(all))
	}
	return nil
}

// loadConfig reads a configuration without its bots.
func loadConfig(path string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("cannot read the configuration: %w", err)}
	}
	file := strict.Parse(path, data)
	cfg := readConfig(path, file)
	return cfg, file.Err()
}

// doctor is a telephone beside the house, with the same configuration and ports of its own.
type doctor struct {
	cfg   *config
	ua    *sip.UA
	media *media.Engine
	stop  context.CancelFunc
	wait  sync.WaitGroup
}

func openDoctor(ctx context.Context, cfg *config) (*doctor, error) {
	conf, err := cfg.sip()
	if err != nil {
		return nil, err
	}
	low, high, err := splitPorts(cfg.RTP.Ports)
	if err != nil {
		return nil, err
	}
	bind, err := parseAddr(cfg.RTP.Bind)
	if err != nil {
		return nil, err
	}
	conf.Listen = besides(conf.Listen)
	d := &doctor{cfg: cfg, media: media.NewEngine(media.Config{Bind: bind, PortMin: low, PortMax: high})}
	conf.Media, conf.UserAgent, conf.Log = d.media, "ivr-doctor", slog.New(slog.DiscardHandler)
	if d.ua, err = sip.New(conf); err != nil {
		return nil, err
	}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx)) // the test call ends in good order after Ctrl-C
	d.wait.Go(func() { _ = d.media.Run(ctx) })                   // ends without error when ctx does
	return d, nil
}

// besides are the sockets of a house with free ports: the house may run.
func besides(listen []sip.Listen) (all []sip.Listen) {
	for _, l := range listen {
		host, _, err := net.SplitHostPort(l.Addr)
		if err == nil {
			all = append(all, sip.Listen{Network: l.Network, Addr: net.JoinHostPort(host, "0")})
		}
	}
	return all
}

func (d *doctor) close() error {
	err := d.ua.Close()
	d.stop()
	d.wait.Wait()
	return err
}

// try looks at one trunk.
func (d *doctor) try(ctx context.Context, name string, o doctorOptions) ([]finding, error) {
	x, err := d.ua.Examine(ctx, name)
	if err != nil {
		return nil, err
	}
	p := patient{name: name, cfg: d.cfg, trunk: d.cfg.Trunks[name], now: time.Now()}
	found := p.diagnose(x)
	if o.call == "" || p.trunk.Address == "" {
		return found, nil
	}
	if !slices.ContainsFunc(x.Servers, func(s sip.Server) bool { return s.Connect == nil }) { // some take calls and are silent to OPTIONS
		return append(found, p.found("call", advice, "no call was tried: no server can be reached", "")), nil
	}
	return append(found, p.diagnoseCall(d.testCall(ctx, name, o))...), nil
}

// testCall places the call and listens whether what it says comes back.
func (d *doctor) testCall(ctx context.Context, name string, o doctorOptions) (c testCall) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errNoAnswer)
	defer cancel()
	start := time.Now()
	leg, err := d.ua.Dial(ctx, sip.DialRequest{To: "tel:" + o.call, Trunks: []string{name}, From: o.from, OnRinging: func() { c.rang = true }})
	c.number, c.err, c.took = o.call, err, time.Since(start)
	if err != nil {
		return c
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		leg.Hangup(ctx, "")
	}()
	stream := leg.Media()
	ear := &melodyEar{}
	stop := stream.Listen(ear)
	defer stop()
	c.echo = sing(ctx, leg, ear)
	params := stream.Params()
	c.stats, c.codec, c.theirs, c.ended = stream.Stats(), params.Codec.Name, params.Remote, leg.Err()
	if server, err := netip.ParseAddrPort(leg.Remote()); err == nil {
		c.server = server
	}
	return c
}

// sing plays the melody until it is heard, or the call ends, or it was in vain: how long the echo took, 0 for none.
func sing(ctx context.Context, leg *sip.Leg, ear *melodyEar) time.Duration {
	const tries, patience = 3, 4 * time.Second
	pause := time.NewTimer(time.Second) // the echo test may say something first
	defer pause.Stop()
	for range tries {
		select {
		case <-pause.C:
		case <-leg.Done():
			return 0
		case <-ctx.Done():
			return 0
		}
		heard := ear.expect()
		start := time.Now()
		leg.Media().Play(media.NewPrompt(melody()))
		pause.Reset(patience)
		select {
		case at := <-heard:
			return at.Sub(start)
		case <-pause.C:
			pause.Reset(0)
		case <-leg.Done():
			return 0
		case <-ctx.Done():
			return 0
		}
	}
	return 0
}

func printFindings(out io.Writer, name string, all []finding) {
	fmt.Fprintf(out, "%s\n", name)
	for _, f := range all {
		mark := map[string]string{well: "ok    ", advice: "advice", wrong: "WRONG "}[f.Verdict]
		fmt.Fprintf(out, "  %s  %-11s  %s\n", mark, f.Step, f.What)
		if f.Change != "" {
			fmt.Fprintf(out, "  %s  %-11s  -> %s\n", "      ", "", f.Change)
		}
	}
	fmt.Fprintln(out)
}
