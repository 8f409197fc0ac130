// Package record puts plans, facts and commands into the form that the stores keep: rows of JSON, plans packed. It has
// the tables' migrations, which the stores run with the engine.
package record
