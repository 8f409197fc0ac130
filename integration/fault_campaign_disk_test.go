//go:build !linux

package integration_test

import "testing"

func onSmallDisk(t *testing.T, _ int) *disturbedFleet {
	t.Skip("a small disk can be mounted on Linux only")
	return nil
}
