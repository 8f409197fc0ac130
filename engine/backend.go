package engine

import "time"

// Backend is a session on a server, as pg_stat_activity shows it. Fields that the connecting role may not see are empty.
type Backend struct {
	PID         uint32
	Application string
	Database    string
	User        string
	Client      string        // address; "" for a local one
	State       string        // active, idle in transaction, …
	Waits       string        // what it waits for; "" when it runs
	Query       string        // cut to about 200 bytes
	Age         time.Duration // of its transaction, or of its state where there is none; by the server's clock
}
