// Command skein migrates every tenant of a multi-tenant application together.
//
//	flags ──▶ config.Project ──▶ tenants, graph, engine ──▶ orchestrator ──▶ view ──▶ exit code
//
// This package parses flags, wires the parts, draws events for people and machines and picks the exit
// code; what it decides about a migration, it asks of the packages below.
package main
