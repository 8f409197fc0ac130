package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/skeindb/skein/config"
)

// hook runs the programs of revisions.hooks on a new file, in the config's folder, one after the other. The
// file stays when one of them fails: it holds what the user wrote.
func (a *app) hook(ctx context.Context, p *config.Project, file string) error {
	for _, h := range p.Revisions.Hooks {
		argv := make([]string, len(h.Run))
		for i, word := range h.Run {
			argv[i] = strings.ReplaceAll(word, "{file}", file)
		}
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the config is the user's own
		cmd.Dir = p.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return &usageError{
				fmt.Sprintf("%s was written, but the hook `%s` failed: %v\n%s", show(file), strings.Join(argv, " "), err, strings.TrimSpace(string(out))),
				"fix revisions.hooks in " + show(p.Path) + " and run it on the file",
			}
		}
	}
	return nil
}
