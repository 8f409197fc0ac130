package postgres

import (
	"net"
	"time"
)

const (
	keepIdle  = 15 * time.Second // without a word from the server, until the system asks whether it is there
	keepEvery = 5 * time.Second
	keepMost  = 6 // questions without an answer after which the connection is given up: 45 s in all

	// silence is how long data that was sent may stay without a word that it has arrived, or its acknowledgement: else
	// Linux would go on for a quarter of an hour (tcp(7), TCP_USER_TIMEOUT and tcp_retries2).
	silence = 45 * time.Second
)

// newDialer returns a dialer whose connections end when the network, or the machine at its other end, falls silent.
func newDialer() *net.Dialer {
	return &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepEvery, Count: keepMost},
		Control:         limitSilence,
	}
}
