package tenant

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
)

// HashOrder returns the numbers of n tenants in the order of the SHA-256 of their ids: as good as random, and the same
// every time. Samples, limits and waves take tenants from its front. Equal ids keep their order.
func HashOrder(n int, id func(i int) string) []int {
	sums := make([][sha256.Size]byte, n)
	order := make([]int, n)
	for i := range n {
		sums[i], order[i] = sha256.Sum256([]byte(id(i))), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(bytes.Compare(sums[a][:], sums[b][:]), a-b) })
	return order
}
