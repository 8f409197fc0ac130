package postgres

import (
	"net"
	"time"
)

const (
	keepIdle  = 15 * time.Second // of silence, before the first TCP keepalive probe
	keepEvery = 5 * time.Second  // between probes
	keepMost  = 6                // probes without an answer after which the connection is broken: 45 s in all

	// silence is how long sent data may stay unacknowledged: without a bound Linux retries for a quarter of an hour
	// (tcp(7), TCP_USER_TIMEOUT and tcp_retries2).
	silence = 45 * time.Second
)

// newDialer returns a dialer whose connections break when the network, or the machine at the other end, falls silent.
func newDialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepEvery, Count: keepMost},
		Control:         limitSilence,
	}
}
