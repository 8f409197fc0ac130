package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Instance is a running PostgreSQL server with one address for its whole life, restarts included.
//
// The methods that stop and start it are for instances made by [New]; on the shared one they fail the
// test. They may be called from any goroutine of the test.
type Instance struct {
	URL   string // superuser, database postgres, with password and sslmode
	Host  string
	Port  int
	Major int    // major version of the server, such as 17
	Way   string // how it was found: url, docker, local or embedded

	t       testing.TB // the owner; nil if shared
	machine machine    // nil if found by URL
}

// machine is what a server runs in: a container or a process group.
type machine interface {
	start() error
	stop(StopMode) error
	kill() error
	pause() error
	unpause() error
	remove() error
	alive() bool // false once the server has ended by itself
	log() string // the end of the server's log
}

// StopMode is PostgreSQL's shutdown mode.
type StopMode string

const (
	Fast      StopMode = "fast"      // roll back what is open, disconnect, checkpoint
	Immediate StopMode = "immediate" // quit without cleaning up; the next start recovers
)

// Options of a dedicated server; the zero value is a server like the shared one.
type Options struct {
	// Version is the major version wanted, such as "15"; "" takes the default. If there is no such
	// version the one that is there serves, and stderr says so: see [Instance.Major].
	Version string
	// Settings of postgresql.conf, such as {"max_connections": "20", "fsync": "on"}. They are added to
	// the quick defaults: fsync, synchronous_commit and full_page_writes off, 200 connections.
	Settings map[string]string
}

// Stop stops the server and waits until it has ended.
func (i *Instance) Stop(mode StopMode) {
	i.operate("stop", func(m machine) error { return m.stop(mode) })
}

// Start starts a stopped or killed server under its old address and waits until it answers.
func (i *Instance) Start() {
	i.operate("start", func(m machine) error {
		if err := m.start(); err != nil {
			return err
		}
		return i.await()
	})
}

// Restart is Stop(Fast) and Start.
func (i *Instance) Restart() {
	i.Stop(Fast)
	i.Start()
}

// Kill ends all processes of the server at once, as a crash of its machine does, apart from what the
// operating system still holds to write.
func (i *Instance) Kill() { i.operate("kill", machine.kill) }

// Pause freezes all processes of the server: connections stay open without an answer.
func (i *Instance) Pause() { i.operate("pause", machine.pause) }

// Unpause lets a paused server go on.
func (i *Instance) Unpause() { i.operate("unpause", machine.unpause) }

// Log returns the end of the server's log; "" for a server found by URL.
func (i *Instance) Log() string {
	if i.machine == nil {
		return ""
	}
	return i.machine.log()
}

// DatabaseURL returns the superuser's URL of another database of the server.
func (i *Instance) DatabaseURL(database string) string {
	u, err := url.Parse(i.URL)
	if err != nil { // it was parsed when the instance was made
		panic(err)
	}
	u.Path, u.RawPath = "/"+database, ""
	return u.String()
}

func (i *Instance) operate(what string, do func(machine) error) {
	if i.t == nil {
		panic(fmt.Sprintf("pgtest: %s: the shared server belongs to all tests; use pgtest.New", what))
	}
	i.t.Helper()
	if err := do(i.machine); err != nil {
		i.t.Errorf("pgtest: %s the server: %v\n%s", what, err, i.machine.log())
	}
}

const startTimeout = 60 * time.Second

// await waits until the server answers over its URL, and learns its version.
func (i *Instance) await() error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := i.ask()
		if err == nil {
			return nil
		}
		if i.machine != nil && !i.machine.alive() {
			return fmt.Errorf("the server ended: %w", err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not answer: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (i *Instance) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, i.URL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	i.Major = version / 10000
	return nil
}

// place sets URL, Host and Port of a server that the harness starts.
func (i *Instance) place(host string, port int, password string) {
	i.Host, i.Port = host, port
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, password), Path: "/postgres", RawQuery: "sslmode=disable",
		Host: net.JoinHostPort(host, strconv.Itoa(port)),
	}
	i.URL = u.String()
}

const superuser = "postgres"

// attach makes the instance of a URL, which the harness neither starts nor stops.
func attach(rawURL string) (*Instance, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, err
	}
	if _, err := url.Parse(rawURL); err != nil {
		return nil, errors.New("SKEIN_TEST_URL must be a URL, not a list of key=value")
	}
	i := &Instance{URL: rawURL, Host: config.Host, Port: int(config.Port), Way: wayURL}
	return i, i.ask()
}
