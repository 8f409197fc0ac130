package pgtest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	embedded "github.com/fergusstrange/embedded-postgres"
)

var embeddedVersions = map[string]embedded.PostgresVersion{
	"14": embedded.V14, "15": embedded.V15, "16": embedded.V16, "17": embedded.V17, "18": embedded.V18,
}

// openEmbedded downloads PostgreSQL's programs once and then runs them as [openLocal] does, which knows how to
// leave root and how to be paused.
func openEmbedded(opts Options, exact bool) (*Instance, string, error) {
	wanted := opts.Version
	if _, known := embeddedVersions[wanted]; !known {
		if wanted != "" && exact {
			return nil, "", errOtherVersion
		}
		wanted = "17"
	}
	home := filepath.Join(os.TempDir(), fmt.Sprintf("skein-embedded-postgres-%s-%d", wanted, os.Getuid()))
	bin := filepath.Join(home, "bin")
	if info, err := os.Stat(home); err == nil && info.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()) {
		return nil, "", fmt.Errorf("%s belongs to another user", home)
	}
	if !isServer(bin) {
		if err := download(home, embeddedVersions[wanted]); err != nil {
			return nil, "", err
		}
	}
	i, err := runLocal(wayEmbedded, bin, opts.Settings)
	return i, bin, err
}

// download lets embedded-postgres fetch, unpack and try its programs. As root the trial fails, because it
// starts them as the present user; then it is enough that they are there.
func download(home string, version embedded.PostgresVersion) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	trial, err := os.MkdirTemp("", "skein-embedded-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(trial)
	db := embedded.NewDatabase(embedded.DefaultConfig().Version(version).Port(uint32(port)).
		BinariesPath(home).CachePath(home).RuntimePath(trial).Logger(io.Discard))
	err = db.Start()
	if err == nil {
		err = db.Stop()
	}
	if !isServer(filepath.Join(home, "bin")) {
		return fmt.Errorf("download: %w", err)
	}
	return os.Chmod(home, 0o755) // the server's user has to read it
}
