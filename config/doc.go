// Package config reads skein.yaml, environment variables and flags into the configs of the other packages.
//
//	skein.yaml ─▶ reader (yaml.v3: structure, positions)    ─┐
//	SKEIN_…    ─▶ variables ─────────────────────────────────┼─▶ fields ─▶ layers (viper) ─▶ builder ─▶ Project
//	flags      ─▶ overrides ─────────────────────────────────┘
//
// The table of all keys, with their types and defaults, is in schema.go and schema_rollout.go. Each key is read once, by its
// type, into a field that keeps its value and its position; viper decides which layer wins. The package opens no
// connection, and reads a secret only when it is used. All mistakes are reported at once, with file, line and column.
package config
