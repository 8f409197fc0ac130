// Package config turns skein.yaml and its environment into the values that the other packages take.
//
//	skein.yaml ─▶ fields (yaml.v3: structure, places, case) ─┐
//	SKEIN_…    ─▶ variables ─────────────────────────────────┼─▶ merged (viper) ─▶ Project
//	flags      ─▶ overrides ─────────────────────────────────┘
//
// The table of all keys is in schema.go: what may be written, of which kind, with which default. Everything
// else asks it. No connection is opened here and no secret is read before it is used.
package config
