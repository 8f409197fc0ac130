package engine

// NameFilter picks names of a catalog, such as schemas, by globs: * stands for any characters, ? for one, case counts.
// The zero value picks none.
type NameFilter struct {
	All     bool     // everything that the reader counts as a candidate
	Include []string // in place of All
	Exclude []string // wins over the rest
}
