package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// streams is what the program reads and writes, and the first signal to end.
type streams struct {
	in       io.Reader
	out, err io.Writer
	drain    <-chan struct{}
	stream   *view.JSON // of a command that runs others and writes one stream for all; else nil
	lines    *view.JSON // the stream that this command writes to out; else nil
}

// app is what every command has: the streams and the global flags.
type app struct {
	*streams
	config  string
	json    bool
	quiet   bool
	verbose bool
	noColor bool
	vars    []string    // -x key=value
	drains  atomic.Bool // a rollout runs: the first signal is its to handle

	misplaced []view.MisplacedExtension // of the plan that is printed

	warned map[string]bool // warnings of the config, which some commands read twice
}

// execute is the whole program; it returns the exit code.
func execute(ctx context.Context, args []string, s *streams) int {
	a := &app{streams: s}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go a.endOnSignal(ctx, cancel)
	root := a.root()
	root.SetArgs(targetsLast(root, args))
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return s.report(err, a.json || wantsJSON(args))
}

// endOnSignal ends what is no rollout at the first signal; a rollout drains by itself.
func (a *app) endOnSignal(ctx context.Context, cancel func()) {
	select {
	case <-ctx.Done():
	case <-a.drain:
		if !a.drains.Load() {
			cancel()
			return
		}
		a.note("skein: stopping: running tenants finish, no more are started; a second signal cancels them")
	}
}

// wantsJSON finds --json where flags were not parsed because one of them is wrong.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--json" || arg == "--json=true" {
			return true
		}
	}
	return false
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "skein",
		Version:       toolVersion(),
		Short:         "Migrate every tenant of a multi-tenant application together",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          a.group,
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.config, "config", "c", defaultConfig(), "config file; or SKEIN_CONFIG")
	f.BoolVar(&a.json, "json", false, "machine-readable output on stdout")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print errors and the final report only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "print more")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also NO_COLOR)")
	f.StringArrayVarP(&a.vars, "set", "x", nil, "`key=value` for templates, as .X.key; repeatable")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{err.Error(), flagHint(cmd, err)} })
	root.AddGroup(
		&cobra.Group{ID: "author", Title: "Revisions (no database needed):"},
		&cobra.Group{ID: "fleet", Title: "The fleet:"},
	)
	root.AddCommand(a.commands()...)
	wrapArgs(root)
	return root
}

// group is the action of a command that only has subcommands: it lists them.
func (a *app) group(cmd *cobra.Command, _ []string) error {
	if a.json { // help is no document
		return &usageError{"`" + cmd.CommandPath() + "` needs a subcommand", seeHelp(cmd)}
	}
	return cmd.Help()
}

// wrapArgs turns cobra's complaints about arguments into usage errors with a hint.
func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &usageError{err.Error(), commandHint(c, args)}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

func defaultConfig() string {
	if c := os.Getenv("SKEIN_CONFIG"); c != "" {
		return c
	}
	return "skein.yaml"
}

var relative = regexp.MustCompile(`^-[0-9]+$`)

// targetsLast moves arguments such as -1 behind a `--`: they are targets, and neither flags nor, where no flag that needs a
// value stands before them, values.
func targetsLast(root *cobra.Command, args []string) []string {
	var rest, targets []string
	for i, arg := range args {
		if arg == "--" {
			return append(append(append(rest, "--"), targets...), args[i+1:]...)
		}
		if relative.MatchString(arg) && (i == 0 || !needsValue(root, args[i-1])) {
			targets = append(targets, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	if targets == nil {
		return rest
	}
	return append(append(rest, "--"), targets...)
}

// needsValue reports whether an argument is a flag, of any command, that takes the next argument as its value.
func needsValue(cmd *cobra.Command, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		f := flags.Lookup(name)
		if short, ok := strings.CutPrefix(arg, "-"); !long && ok && len(short) == 1 {
			f = flags.ShorthandLookup(short)
		} else if !long {
			f = nil
		}
		if f != nil && f.NoOptDefVal == "" {
			return true
		}
	}
	return slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return needsValue(sub, arg) })
}

// values parses -x key=value.
func (a *app) values() (map[string]string, error) {
	values := map[string]string{}
	for _, v := range a.vars {
		key, value, ok := strings.Cut(v, "=")
		switch {
		case !ok:
			return nil, &usageError{fmt.Sprintf("-x %s has no value", v), fmt.Sprintf("write -x %s=VALUE; -x %s= is an empty value", v, v)}
		case key == "":
			return nil, &usageError{fmt.Sprintf("-x %s has no key", v), "write -x KEY=VALUE"}
		}
		values[key] = value
	}
	return values, nil
}

// note writes a line for people to stderr, unless they asked for quiet.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// colour reports whether w is a terminal on which colours are wanted.
func (a *app) colour(w io.Writer) bool {
	return !a.noColor && os.Getenv("NO_COLOR") == "" && isTerminal(w)
}

func isTerminal(v any) bool {
	if w, ok := v.(io.Writer); ok {
		v = view.Raw(w)
	}
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a file descriptor fits an int
}

func heldError(err error) bool {
	var held *rollout.LockedError
	return errors.As(err, &held)
}
