// Package storetest is the conformance suite that every store of rollouts must pass.
package storetest
