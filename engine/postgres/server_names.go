package postgres

// ServerNames returns the names of the servers in the config, in its order.
func (db *DB) ServerNames() []string {
	names := make([]string, len(db.cfg.Servers))
	for i, s := range db.cfg.Servers {
		names[i] = s.Name
	}
	return names
}

// Sessionless returns the first server in the config on which a revision outside a transaction cannot run, since its URL leads
// to a pooler and it has no direct URL; "" = none. A pooler is known after the first connection.
func (db *DB) Sessionless() string {
	for _, s := range db.cfg.Servers {
		if db.Pooled(s.Name) && s.DirectURL == "" {
			return s.Name
		}
	}
	return ""
}
