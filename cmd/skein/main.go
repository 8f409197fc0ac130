package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/skeindb/skein/cmd/skein/view"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

func main() {
	ctx, stop, drain := signals()
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], &streams{in: os.Stdin, out: view.NewText(os.Stdout), err: view.NewText(os.Stderr), drain: drain}))
}

// signals maps the first SIGINT, SIGTERM or SIGHUP to drain, and the second to the end of ctx, unless it is a SIGHUP: a
// terminal that closes may send several. One that is ignored, as nohup does it, stays ignored.
func signals() (ctx context.Context, stop func(), drain <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(sig, syscall.SIGHUP)
	}
	first := make(chan struct{})
	go func() {
		if _, ok := <-sig; !ok {
			return
		}
		close(first)
		for s := range sig {
			if s != syscall.SIGHUP {
				cancel()
			}
		}
	}()
	return ctx, func() { signal.Stop(sig); close(sig); cancel() }, first
}
