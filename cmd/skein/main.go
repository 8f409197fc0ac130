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
	os.Exit(run(ctx, os.Args[1:], &streams{in: os.Stdin, out: view.NewText(os.Stdout), err: view.NewText(os.Stderr), drain: drain}))
}

// signals maps the first SIGINT or SIGTERM to drain and the second to the end of ctx.
func signals() (ctx context.Context, stop func(), drain <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, syscall.SIGINT, syscall.SIGTERM)
	first := make(chan struct{})
	go func() {
		if _, ok := <-sig; !ok {
			return
		}
		close(first)
		if _, ok := <-sig; ok {
			cancel()
		}
	}()
	return ctx, func() { signal.Stop(sig); close(sig); cancel() }, first
}
