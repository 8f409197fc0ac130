package view

import (
	"github.com/skeindb/skein/engine/postgres"
)

// The keys of `doctor --json`; docs/cli.md describes them.
type (
	// ServerDiagnosis is a server: its state, and what would disturb a rollout.
	ServerDiagnosis struct {
		Server     string               `json:"server"`
		Error      *string              `json:"error"`
		Health     *ServerHealth        `json:"health"` // null where the server could not be asked
		Problems   []string             `json:"problems"`
		Extensions []MisplacedExtension `json:"extensions"`
	}

	// MisplacedExtension is an extension in the schema of a tenant, in `plan --json`, too.
	MisplacedExtension struct {
		postgres.Extension
		Tenant *string `json:"tenant"` // id; null when the fleet has no tenant there now
		Advice string  `json:"advice"`
	}

	// ServerHealth is the state of a server.
	ServerHealth struct {
		Version        string            `json:"version"`
		Number         int               `json:"number"` // as in server_version_num: 150018
		Encoding       string            `json:"encoding"`
		Role           string            `json:"role"` // that skein connects as
		Superuser      bool              `json:"superuser"`
		MaxConnections int               `json:"max_connections"`
		Reserved       int               `json:"reserved"` // of those, not for skein
		InUse          int               `json:"in_use"`
		Free           int               `json:"free"`          // for skein
		LocksPerTx     int               `json:"locks_per_tx"`  // max_locks_per_transaction
		Pooled         bool              `json:"pooled"`        // url leads to a pooler
		DirectPooled   bool              `json:"direct_pooled"` // direct_url does, too
		Recovering     bool              `json:"recovering"`    // it is a standby
		ReadOnly       bool              `json:"read_only"`
		ClientCheck    bool              `json:"client_check"` // client_connection_check_interval may be set
		Long           []LongTransaction `json:"long"`
		Unusual        []UnusualSetting  `json:"unusual"`
		Invalid        []string          `json:"invalid"` // indexes, as database/schema.index
		Builds         []IndexBuild      `json:"builds"`
	}

	// LongTransaction is a session whose transaction has been open for more than five minutes.
	LongTransaction struct {
		PID         uint32 `json:"pid"`
		Application string `json:"application"`
		Database    string `json:"database"`
		User        string `json:"user"`
		Client      string `json:"client"` // address; "" for a local one
		State       string `json:"state"`
		Waits       string `json:"waits"` // what it waits for; "" when it runs
		Query       string `json:"query"`
		AgeMS       int64  `json:"age_ms"`
	}

	// UnusualSetting is a setting or an encoding that most servers do not have.
	UnusualSetting struct {
		Where     string `json:"where"`
		Name      string `json:"name"`
		Value     string `json:"value"`
		Overruled bool   `json:"overruled"` // skein's sessions use another value
		Note      string `json:"note"`
	}

	// IndexBuild is an index that is being built or dropped.
	IndexBuild struct {
		Index string `json:"index"` // as database/schema.index
		PID   uint32 `json:"pid"`
	}
)

// HealthJSON is the state of a server as `doctor --json` has it.
func HealthJSON(h *postgres.Health) *ServerHealth {
	doc := &ServerHealth{
		Version: h.Version, Number: h.Number, Encoding: h.Encoding, Role: h.Role, Superuser: h.Superuser,
		MaxConnections: h.MaxConnections, Reserved: h.Reserved, InUse: h.InUse, Free: h.Free, LocksPerTx: h.LocksPerTx,
		Pooled: h.Pooled, DirectPooled: h.DirectPooled, Recovering: h.Recovering, ReadOnly: h.ReadOnly, ClientCheck: h.ClientCheck,
		Long: []LongTransaction{}, Unusual: []UnusualSetting{}, Invalid: list(h.Invalid), Builds: []IndexBuild{},
	}
	for _, t := range h.Long {
		doc.Long = append(doc.Long, LongTransaction{t.PID, t.Application, t.Database, t.User, t.Client, t.State, t.Waits, t.Query, t.Age.Milliseconds()})
	}
	for _, u := range h.Unusual {
		doc.Unusual = append(doc.Unusual, UnusualSetting(u))
	}
	for _, b := range h.Builds {
		doc.Builds = append(doc.Builds, IndexBuild(b))
	}
	return doc
}
