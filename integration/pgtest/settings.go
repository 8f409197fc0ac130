package pgtest

import (
	"crypto/rand"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"
)

// settingArgs are the server's arguments for the quick defaults and the settings asked for, which win.
func settingArgs(settings map[string]string) []string {
	all := maps.Clone(quick)
	maps.Copy(all, settings)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// newPassword is random, so that a test may look for it in what should not show it.
func newPassword() string { return "pw" + rand.Text() }

// reachable returns the first host on which the port accepts connections, else the first one.
func reachable(hosts []string, port int) string {
	for range 20 {
		for _, host := range hosts {
			conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(port)), time.Second)
			if err == nil {
				_ = conn.Close()
				return host
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return hosts[0]
}
