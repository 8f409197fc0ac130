package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	hidden      = "***"
	execTimeout = 10 * time.Second
	secretLimit = 64 << 10 // bytes read at most
)

// Secret is a value that cannot be printed: fmt, encoders and loggers show ***. It is read each time it is used, so that a
// rotated password is picked up. The zero value is no secret. Safe for concurrent use.
type Secret struct {
	// The value is only in the closure, so that reflection, which ignores methods, does not see it.
	read  func(ctx context.Context) (string, error)
	shown any // for `config show`: the reference, or the redacted value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.read == nil }

// Value reads the secret; "" for the zero value. Of a file it is the text without trailing line ends, of a command the
// first line of its output within 10 s. Errors are *Error and name the variable, file or command that failed, a command
// with the first line of its standard error; they never contain the value.
func (s Secret) Value(ctx context.Context) (string, error) {
	if s.read == nil {
		return "", nil
	}
	return s.read(ctx)
}

// String returns ***.
func (Secret) String() string { return hidden }

// GoString returns ***.
func (Secret) GoString() string { return hidden }

// Format writes *** for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns ***; JSON, XML and the keys of maps use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "***".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalYAML returns ***.
func (Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue returns ***.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

func plainSecret(value string) Secret {
	return Secret{
		shown: hidden,
		read:  func(context.Context) (string, error) { return value, nil },
	}
}

// envSecret reads an environment variable. An empty one is treated as unset.
func envSecret(key, name string, lookup func(string) (string, bool)) Secret {
	return Secret{
		shown: map[string]any{secretEnv: name},
		read: func(context.Context) (string, error) {
			if value, _ := lookup(name); value != "" {
				return value, nil
			}
			return "", &Error{
				Kind: KindSecret, Key: key,
				Message: fmt.Sprintf("environment variable %s is not set", name),
				Advice:  "set it, or change {env: …} in the config",
			}
		},
	}
}

// fileSecret reads path, which is relative to dir. The file's mode is not checked: secrets mounted into containers are often
// readable by all users inside.
func fileSecret(key, path, dir string) Secret {
	return Secret{
		shown: map[string]any{secretFile: path},
		read: func(context.Context) (string, error) {
			text, err := readAtMost(within(dir, path), secretLimit)
			if err != nil {
				return "", &Error{Kind: KindSecret, Key: key, Message: "cannot read the file: " + err.Error()}
			}
			value := strings.TrimRight(text, "\r\n")
			if value == "" {
				return "", &Error{Kind: KindSecret, Key: key, Message: fmt.Sprintf("the file %s is empty", path)}
			}
			return value, nil
		},
	}
}

func readAtMost(path string, most int64) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most))
	return string(text), err
}

// execSecret runs argv in dir. Its arguments are not shown: they may contain tokens.
func execSecret(key string, argv []string, dir string) Secret {
	shown := []any{argv[0]}
	if len(argv) > 1 {
		shown = append(shown, hidden)
	}
	return Secret{
		shown: map[string]any{secretExec: shown},
		read: func(ctx context.Context) (string, error) {
			line, err := firstLine(ctx, argv, dir)
			if err != nil {
				return "", &Error{Kind: KindSecret, Key: key, Message: fmt.Sprintf("the command %s failed: %v", argv[0], err)}
			}
			return line, nil
		},
	}
}

func firstLine(ctx context.Context, argv []string, dir string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, execTimeout, fmt.Errorf("no answer within %s", execTimeout))
	defer cancel()
	program := argv[0]
	if strings.ContainsRune(program, filepath.Separator) {
		program = within(dir, program)
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // a grandchild may keep the pipe open
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return "", cause
	}
	if err != nil {
		if said, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n"); said != "" {
			return "", fmt.Errorf("%w: %.200s", err, said)
		}
		return "", err
	}
	line, _, _ := strings.Cut(out.String(), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", errors.New("it printed nothing")
	}
	return line, nil
}

// within returns path, relative to dir unless it is absolute.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
