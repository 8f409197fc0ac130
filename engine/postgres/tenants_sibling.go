package postgres

import "strings"

// separators divide a schema's name into words.
const separators = "_-.$:/ "

// sibling reports whether a schema has a name like those of tenants, by one of three rules. Each needs two known tenants with
// such names, since one alone makes no pattern; the names public and skein never match.
//
//   - Words: two known tenants share the name's beginning up to a separator, and differ in the word that follows. With t_a
//     and t_b, t_zz is a sibling; with app_t_a and app_t_b, app_t_c is one and app_extensions is not.
//   - Numbers: the names are equal except for the value of their numbers: tenant1, tenant22, and tenant003.
//   - Hashes: names of equal length that are hexadecimal, with or without hyphens, such as UUIDs.
//
// A shared schema with such a name has to be listed in servers.NAME.search_path.
func sibling(name string, tenants []string) bool {
	if name == "public" || name == "skein" {
		return false
	}
	numbers, hash := numbered(name), hashed(name)
	words := map[string]map[string]bool{} // of the beginnings of name: the words that follow in tenants
	for i := 0; i+1 < len(name); i++ {
		if strings.IndexByte(separators, name[i]) >= 0 {
			words[name[:i+1]] = map[string]bool{}
		}
	}
	alike, hashes := 0, 0
	for _, t := range tenants {
		if t == name {
			continue
		}
		if numbers != "" && numbered(t) == numbers {
			alike++
		}
		if hash && len(t) == len(name) && hashed(t) {
			hashes++
		}
		for beginning, follow := range words {
			if rest, ok := strings.CutPrefix(t, beginning); ok && rest != "" {
				if end := strings.IndexAny(rest, separators); end > 0 {
					rest = rest[:end]
				}
				follow[rest] = true
				if len(follow) > 1 {
					return true
				}
			}
		}
	}
	return alike > 1 || hashes > 1
}

// numbered returns a name with # for each run of digits; "" for a name without digits, or of digits only.
func numbered(name string) string {
	var b strings.Builder
	digits, others := false, false
	for i := range len(name) {
		switch c := name[i]; {
		case c < '0' || c > '9':
			digits, others = false, true
			b.WriteByte(c)
		case !digits:
			digits = true
			b.WriteByte('#')
		}
	}
	if shape := b.String(); others && strings.Contains(shape, "#") {
		return shape
	}
	return ""
}

// hashed reports whether a name is a number in hexadecimal of eight digits or more, or a UUID.
func hashed(name string) bool {
	digits := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			digits++
		case c != '-' && c != '_':
			return false
		}
	}
	return digits >= 8 && strings.ContainsAny(name, "0123456789")
}
