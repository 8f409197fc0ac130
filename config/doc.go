// Package config turns skein.yaml and its environment into the values that the other packages take.
//
//	skein.yaml ─▶ reader (yaml.v3: structure, places, case) ─┐
//	SKEIN_…    ─▶ variables ─────────────────────────────────┼─▶ fields ─▶ layers (viper) ─▶ builder ─▶ Project
//	flags      ─▶ overrides ─────────────────────────────────┘
//
// The table of all keys is in schema.go: what may be written, of which type, with which default. A key is read once, by
// its type in the table, into a field that knows its place; viper decides which layer's field counts. No connection is
// opened here and no secret is read before it is used.
package config
