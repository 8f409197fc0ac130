package sqlite

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// askHolder is how long the holder of a name may take to say who it is.
const askHolder = time.Second

// nameLock is a name that one process at a time can have, on one machine (in one network namespace): that of
// an abstract Unix socket. It has no file. A process that connects to it reads who has it.
type nameLock struct {
	l    *net.UnixListener
	done sync.WaitGroup
}

// lockName takes a name. When another process has it, other is who; zero where that is not known. A process counts that
// is of this user, of owner, or of root: another user must not be able to block the store.
func lockName(name string, owner int, holder rollout.Holder) (lock *nameLock, other *rollout.Holder, err error) {
	text, err := json.Marshal(holder)
	if err != nil {
		return nil, nil, err
	}
	at := &net.UnixAddr{Net: "unix", Name: "@" + name}
	l, err := net.ListenUnix("unix", at)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, holderAt(at, owner), nil
	case err != nil: // a sandbox without such sockets: the other locks have to do
		return nil, nil, nil
	}
	lock = &nameLock{l: l}
	lock.done.Go(func() { lock.serve(text) })
	return lock, nil, nil
}

// serve sends the text to each process that connects, until the listener is closed.
func (n *nameLock) serve(text []byte) {
	for {
		c, err := n.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // no descriptor is free
			continue
		}
		_ = c.SetDeadline(time.Now().Add(askHolder))
		_, _ = c.Write(text)
		_ = c.Close()
	}
}

func (n *nameLock) close() error {
	if n == nil {
		return nil
	}
	err := n.l.Close()
	n.done.Wait()
	return err
}

// holderAt asks who has a name; nil when it is a process of another user.
func holderAt(at *net.UnixAddr, owner int) *rollout.Holder {
	holder := &rollout.Holder{}
	c, err := net.DialUnix("unix", nil, at)
	if err != nil {
		return holder // it has just ended: a further try finds the name free
	}
	defer c.Close()
	if uid := peer(c); uid != 0 && uid != os.Getuid() && uid != owner {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(askHolder))
	_ = json.NewDecoder(c).Decode(holder)
	return holder
}

// peer is the user of the process at the other end; -1 where that is not known.
func peer(c *net.UnixConn) int {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1
	}
	var cred *unix.Ucred
	if ctl := raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) //nolint:gosec // a file descriptor fits an int
	}); ctl != nil || err != nil {
		return -1
	}
	return int(cred.Uid)
}
