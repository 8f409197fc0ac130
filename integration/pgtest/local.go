package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// localServer is a server of this machine's binaries, in a directory of its own.
type localServer struct {
	bin  string // directory of initdb and postgres
	home string // data, log and socket
	args []string
	as   *syscall.Credential // nil: the user who runs the tests

	cmd   *exec.Cmd
	ended chan struct{} // closed once cmd has been waited for
	gone  atomic.Bool
}

func openLocal(opts Options, exact bool) (*Instance, string, error) {
	bins := localBins()
	if len(bins) == 0 {
		return nil, "", errors.New("initdb and postgres are neither in /usr/lib/postgresql/*/bin nor in PATH")
	}
	bin := bins[0]
	if opts.Version != "" {
		at := slices.IndexFunc(bins, func(bin string) bool { return majorOf(bin) == opts.Version })
		if at < 0 && exact {
			return nil, "", errOtherVersion
		}
		bin = bins[max(at, 0)]
	}
	i, err := runLocal(wayLocal, bin, opts.Settings)
	return i, bin, err
}

// localBins lists the directories with a server, newest first, PATH last.
func localBins() []string {
	var bins []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		found, _ := filepath.Glob(pattern)
		bins = append(bins, found...)
	}
	bins = slices.DeleteFunc(bins, func(bin string) bool { return !isServer(bin) })
	slices.SortStableFunc(bins, func(a, b string) int {
		x, _ := strconv.Atoi(majorOf(a))
		y, _ := strconv.Atoi(majorOf(b))
		return y - x
	})
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(initdb); err == nil && isServer(filepath.Dir(target)) {
			bins = append(bins, filepath.Dir(target))
		}
	}
	return bins
}

func isServer(bin string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// majorOf asks the server program itself: paths lie.
func majorOf(bin string) string {
	out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output() // postgres (PostgreSQL) 15.18 (Debian …)
	if err != nil {
		return ""
	}
	_, version, _ := strings.Cut(string(out), "(PostgreSQL) ")
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	return version[:max(digits, 0)]
}

// runLocal makes a cluster and starts it.
func runLocal(way, bin string, settings map[string]string) (*Instance, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "skein-pg-")
	if err != nil {
		return nil, err
	}
	m := &localServer{bin: bin, home: home, as: as}
	if as != nil {
		err = os.Chown(home, int(as.Uid), int(as.Gid))
	}
	port, portErr := freePort()
	if err = errors.Join(err, portErr); err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	password := newPassword()
	if err := m.init(password); err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	m.args = append([]string{
		"-D", m.data(), "-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(port),
		"-c", "unix_socket_directories=" + home,
	}, settingArgs(settings)...)
	if err := m.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	i := &Instance{Way: way}
	i.place("127.0.0.1", port, password)
	return i, launch(i, m, fmt.Sprintf("kill -QUIT $(head -n 1 '%s/postmaster.pid') 2>/dev/null; sleep 1; rm -rf '%s'", m.data(), home))
}

// unprivileged returns the user to run the server as: nil for the present user unless that is root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func (m *localServer) data() string { return filepath.Join(m.home, "data") }

func (m *localServer) init(password string) error {
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "C"
	}
	pwfile := filepath.Join(m.home, "password")
	err := os.WriteFile(pwfile, []byte(password+"\n"), 0o600)
	if err == nil && m.as != nil {
		err = os.Chown(pwfile, int(m.as.Uid), int(m.as.Gid))
	}
	if err != nil {
		return err
	}
	cmd := m.command("initdb", "-D", m.data(), "-U", superuser, "-E", "UTF8", "--locale="+locale,
		"--auth=scram-sha-256", "--pwfile="+pwfile, "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// command makes a command in a session of its own, so that an interrupt from the terminal does not reach it.
func (m *localServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(m.bin, name), args...)
	cmd.Dir = m.home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: m.as}
	return cmd
}

func (m *localServer) start() error {
	log, err := os.OpenFile(filepath.Join(m.home, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := m.command("postgres", m.args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	m.cmd, m.ended = cmd, ended
	m.gone.Store(false)
	go func() {
		_ = cmd.Wait()
		m.gone.Store(true)
		close(ended)
	}()
	return nil
}

func (m *localServer) stop(mode StopMode) error {
	signal := syscall.SIGINT
	if mode == Immediate {
		signal = syscall.SIGQUIT
	}
	if err := m.cmd.Process.Signal(signal); err != nil {
		return err
	}
	return m.wait()
}

func (m *localServer) wait() error {
	select {
	case <-m.ended:
		return nil
	case <-time.After(startTimeout):
		return errors.New("it does not end")
	}
}

func (m *localServer) kill() error {
	if err := m.signalAll(syscall.SIGKILL); err != nil {
		return err
	}
	return m.wait()
}

func (m *localServer) pause() error   { return m.signalAll(syscall.SIGSTOP) }
func (m *localServer) unpause() error { return m.signalAll(syscall.SIGCONT) }

// signalAll signals the postmaster and then its children, each of which has a session of its own. The
// postmaster comes first so that it starts no child meanwhile.
func (m *localServer) signalAll(signal syscall.Signal) error {
	if signal != syscall.SIGCONT {
		if err := m.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
	}
	pids, err := childrenOf("/proc", m.cmd.Process.Pid)
	if err != nil {
		_ = m.cmd.Process.Signal(syscall.SIGCONT) // a stopped postmaster would hang the process that waits for it
		return err
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal) // it may have ended by itself
	}
	return m.cmd.Process.Signal(signal)
}

// childrenOf reads from proc, the folder of Linux's process file system, which processes have the parent. It
// needs no program such as ps, which a bare Debian lacks.
func childrenOf(proc string, parent int) ([]int, error) {
	if _, err := os.Stat(filepath.Join(proc, strconv.Itoa(parent), "stat")); err != nil {
		return nil, fmt.Errorf("to pause or kill a local server takes %s as Linux has it; use Docker here (SKEIN_TEST_POSTGRES=docker): %w", proc, err)
	}
	stats, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "stat"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it ended
		}
		// pid (name) state ppid …: the name may hold spaces and parentheses
		_, rest, _ := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func (m *localServer) remove() error {
	if !m.gone.Load() {
		_ = m.signalAll(syscall.SIGKILL)
		if err := m.wait(); err != nil {
			return err
		}
	}
	return os.RemoveAll(m.home)
}

func (m *localServer) alive() bool { return !m.gone.Load() }

func (m *localServer) log() string {
	text, err := os.ReadFile(filepath.Join(m.home, "log"))
	if err != nil {
		return err.Error()
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-40):], nil))
}
