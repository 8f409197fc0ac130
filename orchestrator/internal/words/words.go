// Package words holds the few phrases that the packages of the orchestrator say alike.
package words

import (
	"fmt"
	"strings"
)

// Tenants counts tenants: "1 tenant", "12 tenants".
func Tenants(n int) string {
	if n == 1 {
		return "1 tenant"
	}
	return fmt.Sprintf("%d tenants", n)
}

// IsAre is the verb after a count.
func IsAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// HasHave is the verb after a count.
func HasHave(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// Some lists the first five ids, and how many more there are.
func Some(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
