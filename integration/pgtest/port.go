package pgtest

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// freePort returns a port of the loopback interface below the range from which the kernel takes ports for
// outgoing connections: while a server is stopped nothing else will get its port by chance.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		return port, nil
	}
	return 0, fmt.Errorf("no free port between 15000 and 32000")
}
