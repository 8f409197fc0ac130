// Package engine upgrades one tenant along a revision graph and reads where many tenants stand at once.
//
//	Survey ──▶ Standing (per tenant) ──▶ Plan (per cohort) ──▶ Upgrade ──▶ Result
//	   │                                                        │
//	   └── Database (engine/postgres, engine/sqlite) ───────────┘
//
// By itself it is an Alembic for Go: it knows neither fleets nor rollouts. The algorithm is here, once;
// a dialect only surveys, and applies what it is handed. The version table inside the tenant is the one
// truth about where that tenant stands, and every change of it is decided under the tenant's lock.
package engine
