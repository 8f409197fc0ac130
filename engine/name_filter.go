package engine

// NameFilter selects names of a catalog, such as schemas, by globs: * is any text, ? one character, and case counts. The zero
// value selects none.
type NameFilter struct {
	All     bool     // all names that the reader counts as candidates
	Include []string // in place of All
	Exclude []string // wins over All and Include
}
