package engine

import (
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// Location is the physical place of one tenant: a schema of a database of a server, or a SQLite file.
// It is comparable and holds no secret.
type Location struct {
	Dialect  revision.Dialect `json:"dialect"`
	Server   string           `json:"server,omitempty"`   // name of the server in the config; "" for SQLite
	Database string           `json:"database,omitempty"` // "" for SQLite
	Schema   string           `json:"schema,omitempty"`   // "" for SQLite
	File     string           `json:"file,omitempty"`     // absolute path of a SQLite file; "" for PostgreSQL
}

// String returns server/database/schema, or the file's path.
func (l Location) String() string {
	if l.Dialect == revision.SQLite {
		return l.File
	}
	return strings.Join([]string{l.Server, l.Database, l.Schema}, "/")
}
