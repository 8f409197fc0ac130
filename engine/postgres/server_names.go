package postgres

// ServerNames returns the servers of the configuration, in its order.
func (db *DB) ServerNames() []string {
	names := make([]string, len(db.cfg.Servers))
	for i, s := range db.cfg.Servers {
		names[i] = s.Name
	}
	return names
}

// Sessionless returns the first server of the configuration on which a revision outside a transaction cannot run, since a
// pooler is in front of it and no URL leads past it; "" = there is none. It knows of poolers once they were connected to.
func (db *DB) Sessionless() string {
	for _, s := range db.cfg.Servers {
		if db.Pooled(s.Name) && s.DirectURL == "" {
			return s.Name
		}
	}
	return ""
}
