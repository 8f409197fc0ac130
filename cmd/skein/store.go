package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/postgres"
	"github.com/skeindb/skein/orchestrator/store/sqlite"
)

// openStore opens where rollouts are kept. With create false a store that is not there yet is nil: who only
// looks leaves no files behind.
func (f *fleet) openStore(ctx context.Context, create bool) (rollout.FullStore, error) {
	file, url, err := f.project.Store(ctx)
	if err != nil {
		return nil, err
	}
	if url != "" {
		return postgres.Open(ctx, postgres.Config{URL: url})
	}
	if !create {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	return sqlite.Open(ctx, file)
}
