// Command parcels is the back end of the demo courier: a small parcel service with its own data, over HTTP.
//
//	GET  /parcels/{number}             where a parcel is
//	POST /parcels/{number}/redelivery  {"day":"2026-03-21"} books a day; an Idempotency-Key is honoured
//	GET  /fees?country=gb|eu|world&kg=2
//	GET  /healthz
//	POST /fault {"mode":"hang"}        makes it fail as back ends do: hang, 500, slow=3s; off ends it
//
// Every answer is a JSON object; one that is no success has "error".
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// drain is how long requests in progress may take after SIGTERM.
const drain = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "parcels:", err)
		stop()
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	var listen, db, mode string
	cmd := &cobra.Command{
		Use:   "parcels",
		Short: "The parcel service that the demo bot asks",
		Example: `  parcels --listen 127.0.0.1:8090
  parcels --fault slow=3s
  curl -s 127.0.0.1:8090/parcels/4512
  curl -s 127.0.0.1:8090/fault -d '{"mode":"hang"}'`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			depot, err := OpenDepot(db, time.Now)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, depot.Close()) }()
			service := NewService(depot)
			if err := service.SetFault(mode); err != nil {
				return fmt.Errorf("--fault: %w", err)
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "parcels: serving on http://%s\n", l.Addr())
			return serve(cmd.Context(), l, service)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8090", "address to serve on; port 0 takes a free one")
	cmd.Flags().StringVar(&db, "db", "", "file that keeps the bookings; none: they last as long as the service runs")
	cmd.Flags().StringVar(&mode, "fault", "off", "fail from the start: hang, 500 or slow=3s")
	return cmd
}

// serve answers on l until ctx is done, then lets requests in progress end.
func serve(ctx context.Context, l net.Listener, service *Service) error {
	server := &http.Server{Handler: service, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	service.release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(ctx)
	<-failed // http.ErrServerClosed
	return err
}
