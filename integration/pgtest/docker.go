package pgtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const (
	defaultImage = "postgres:17-alpine"
	pullTimeout  = 60 * time.Second // without a network the next way must get its turn soon
	pullMemory   = 15 * time.Minute // how long other test processes remember that a pull failed
)

// containerServer is a server in a container. Its host port is chosen by us, because Docker gives another
// one at each start if left free.
type containerServer struct {
	docker *testcontainers.DockerClient
	ctr    testcontainers.Container

	stopped bool // paused by signals
}

// dockerClient returns a client of a daemon that answers.
var dockerClient = sync.OnceValues(func() (*testcontainers.DockerClient, error) {
	// The guard removes our containers, so the reaper, which is one more image to pull, is not needed.
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
	tclog.SetDefault(tclog.NewNoopLogger())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	_, err = docker.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return docker, err
})

func openDocker(opts Options, exact bool) (*Instance, string, error) {
	docker, err := dockerClient()
	if err != nil {
		return nil, "", fmt.Errorf("no daemon: %w", err)
	}
	image := imageOf(opts.Version)
	if err := ensureImage(docker, image); err != nil {
		other := imageOf("")
		if opts.Version == "" || image == other {
			return nil, "", err
		}
		if exact {
			return nil, "", errOtherVersion
		}
		image = other
		if err := ensureImage(docker, image); err != nil {
			return nil, "", err
		}
	}
	i := &Instance{Way: wayDocker}
	for range 3 { // another process may take the port between our choice and Docker's
		if err = runContainer(i, docker, image, opts.Settings); err == nil || !strings.Contains(err.Error(), "port is already allocated") {
			break
		}
	}
	return i, image, err
}

var imageVersion = regexp.MustCompile(`:\d+(?:\.\d+)*([^/]*)$`) // not the port of a registry

// imageOf returns the image of a major version; "" is the default.
func imageOf(version string) string {
	base := cmp.Or(os.Getenv("SKEIN_TEST_IMAGE"), defaultImage)
	if version == "" {
		return base
	}
	if image := os.Getenv("SKEIN_TEST_IMAGE_" + version); image != "" {
		return image
	}
	return imageVersion.ReplaceAllString(base, ":"+version+"$1")
}

// ensureImage pulls the image unless it is there. A failure is remembered for the test processes that follow.
func ensureImage(docker *testcontainers.DockerClient, image string) error {
	ctx, cancel := context.WithTimeout(context.Background(), pullTimeout)
	defer cancel()
	_, err := docker.ImageInspect(ctx, image)
	if err == nil || !errdefs.IsNotFound(err) {
		return err
	}
	memory := filepath.Join(os.TempDir(), fmt.Sprintf("skein-pgtest-no-image-%x", sha256.Sum256([]byte(image)))[:48])
	if info, err := os.Stat(memory); err == nil && time.Since(info.ModTime()) < pullMemory {
		return fmt.Errorf("image %s is not here, and a pull failed at %s", image, info.ModTime().Format(time.TimeOnly))
	}
	fmt.Fprintf(os.Stderr, "pgtest: pulling %s, for at most %s\n", image, pullTimeout)
	pull, err := docker.ImagePull(ctx, image, client.ImagePullOptions{})
	if err == nil {
		err = errors.Join(pull.Wait(ctx), pull.Close())
	}
	if err != nil {
		_ = os.WriteFile(memory, nil, 0o600)
		return fmt.Errorf("pull %s: %w", image, err)
	}
	return nil
}

func runContainer(i *Instance, docker *testcontainers.DockerClient, image string, settings map[string]string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return err
	}
	password := newPassword()
	request := testcontainers.ContainerRequest{
		Image: image,
		Env: map[string]string{
			"POSTGRES_USER": superuser, "POSTGRES_PASSWORD": password, "POSTGRES_INITDB_ARGS": "--no-sync",
		},
		Cmd:          append([]string{"postgres"}, settingArgs(settings)...),
		ExposedPorts: []string{"5432/tcp"},
		HostConfigModifier: func(h *container.HostConfig) {
			h.ShmSize = 256 << 20
			// A volume outlives stops as the container's own file system does, and is several times as fast.
			h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeVolume, Target: "/var/lib/postgresql"})
			h.PortBindings = network.PortMap{
				network.MustParsePort("5432/tcp"): {{HostIP: bindAddress(), HostPort: strconv.Itoa(port)}},
			}
		},
	}
	ctr, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{ContainerRequest: request, Started: true})
	if err != nil {
		if ctr != nil {
			_ = ctr.Terminate(ctx)
		}
		return err
	}
	m := &containerServer{docker: docker, ctr: ctr}
	hosts := []string{"127.0.0.1"}
	if host, err := ctr.Host(ctx); err == nil && host != "localhost" {
		hosts = slices.Insert(hosts, 0, host)
	}
	i.place(reachable(hosts, port), port, password)
	script := ":"
	if _, err := exec.LookPath("docker"); err == nil {
		script = "docker rm -f -v " + ctr.GetContainerID() + " >/dev/null 2>&1"
	}
	return launch(i, m, script)
}

// bindAddress is the loopback interface, or any if the daemon is another machine's.
func bindAddress() netip.Addr {
	host := os.Getenv("DOCKER_HOST")
	if host == "" || strings.HasPrefix(host, "unix://") {
		return netip.MustParseAddr("127.0.0.1")
	}
	return netip.IPv4Unspecified()
}

func (m *containerServer) start() error {
	_, err := m.docker.ContainerStart(context.Background(), m.ctr.GetContainerID(), client.ContainerStartOptions{})
	return err
}

func (m *containerServer) stop(mode StopMode) error {
	signal := "SIGINT"
	if mode == Immediate {
		signal = "SIGQUIT"
	}
	return m.signal(signal)
}

func (m *containerServer) kill() error { return m.signal("SIGKILL") }

// signal sends a signal that ends the server and waits for the end.
func (m *containerServer) signal(signal string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	id := m.ctr.GetContainerID()
	if _, err := m.docker.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal}); err != nil {
		return err
	}
	wait := m.docker.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-wait.Result:
		return nil
	case err := <-wait.Error:
		return err
	}
}

// pause freezes the container. Where the daemon cannot do that, as within another container, signals serve.
func (m *containerServer) pause() error {
	_, err := m.docker.ContainerPause(context.Background(), m.ctr.GetContainerID(), client.ContainerPauseOptions{})
	if err != nil && m.signalAll("STOP") == nil {
		m.stopped, err = true, nil
	}
	return err
}

func (m *containerServer) unpause() error {
	if m.stopped {
		m.stopped = false
		return m.signalAll("CONT")
	}
	_, err := m.docker.ContainerUnpause(context.Background(), m.ctr.GetContainerID(), client.ContainerUnpauseOptions{})
	return err
}

// signalAll signals the first process of the container, which is the postmaster and is out of reach of a kill
// from within, and then all the others.
func (m *containerServer) signalAll(signal string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if _, err := m.docker.ContainerKill(ctx, m.ctr.GetContainerID(), client.ContainerKillOptions{Signal: "SIG" + signal}); err != nil {
		return err
	}
	code, _, err := m.ctr.Exec(ctx, []string{"sh", "-c", "kill -" + signal + " -1"})
	if err == nil && code != 0 {
		err = fmt.Errorf("kill -%s: exit %d", signal, code)
	}
	return err
}

func (m *containerServer) remove() error {
	_, err := m.docker.ContainerRemove(context.Background(), m.ctr.GetContainerID(),
		client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	return err
}

func (m *containerServer) alive() bool {
	state, err := m.ctr.State(context.Background())
	return err != nil || state.Running
}

func (m *containerServer) log() string {
	logs, err := m.docker.ContainerLogs(context.Background(), m.ctr.GetContainerID(),
		client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "40"})
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, logs); err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return text.String()
}
