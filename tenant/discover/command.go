package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/skeindb/skein/tenant"
)

// Command reads tenants from the standard output of a program: one object a line, as in a .jsonl [File]. The program runs
// in the config's folder, without a shell and without input. If it exits with another status than 0, or takes too long,
// the source fails and shows what the program wrote to standard error.
type Command struct {
	Name    string        // name of the source, else its 1-based index
	Run     []string      // program and arguments; a path with a slash is relative to the config's folder; required
	Timeout time.Duration // 0 = 60 s
	Defaults
}

const (
	commandTimeout = 60 * time.Second
	commandGrace   = 2 * time.Second // wait for children that keep the output open after the program has ended
	stderrShown    = 2000            // bytes, the last ones
)

type command struct {
	spec Command
	env  Env
}

// NewCommand returns the source. It does not look for the program.
func NewCommand(spec Command, env Env) (tenant.Source, error) {
	var errs []error
	if len(spec.Run) == 0 || spec.Run[0] == "" {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: "the command is empty", Advice: "write it as a list: [bin/list-tenants, --all]"})
	}
	if err := spec.Defaults.check(env); err != nil {
		errs = append(errs, named(spec.Name, err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if spec.Timeout == 0 {
		spec.Timeout = commandTimeout
	}
	return &command{spec: spec, env: env}, nil
}

func (c *command) Name() string { return c.spec.Name }

func (c *command) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	output, err := c.run(ctx)
	if err != nil {
		return nil, nil, err
	}
	name := "output of " + c.spec.Run[0]
	if output, err = plainText(name, output); err != nil {
		return nil, nil, err
	}
	records, err := decodeJSONLines(name, output)
	if err != nil {
		return nil, nil, err
	}
	if len(records) == 0 {
		return nil, nil, &tenant.Error{Message: fmt.Sprintf("command %q lists no tenant", c.spec.Run[0])}
	}
	return c.env.tenants(ctx, c.spec.Name, c.spec.Defaults, records)
}

// run returns the program's standard output.
func (c *command) run(parent context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(parent, c.spec.Timeout)
	defer cancel()
	program := filepath.FromSlash(c.spec.Run[0])
	if strings.ContainsRune(program, filepath.Separator) {
		path, err := c.env.path(program)
		if err != nil {
			return nil, err
		}
		program = path
	}
	cmd := exec.CommandContext(ctx, program, c.spec.Run[1:]...)
	cmd.Dir = c.env.Dir
	cmd.WaitDelay = commandGrace
	ownGroup(cmd)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	reason := err.Error()
	switch {
	case parent.Err() != nil:
		reason = parent.Err().Error()
	case ctx.Err() != nil:
		reason = fmt.Sprintf("not finished after %s", c.spec.Timeout)
	case errors.Is(err, exec.ErrWaitDelay):
		reason = "ended, but a child process keeps its output open"
	}
	message := fmt.Sprintf("command %q: %s", c.spec.Run[0], reason)
	if said := tail(stderr.String()); said != "" {
		message += ": " + said
	}
	return nil, &tenant.Error{Message: message, Err: err}
}

// tail returns the end of what a program wrote, on one line.
func tail(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > stderrShown {
		text = "… " + strings.ToValidUTF8(text[len(text)-stderrShown:], "")
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
