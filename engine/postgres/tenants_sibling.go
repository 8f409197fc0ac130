package postgres

import "strings"

// separators part the words of a schema's name.
const separators = "_-.$:/ "

// sibling reports whether a schema is called as tenants are, by one of three rules. Each wants two known tenants
// that are called alike, so that one alone makes no pattern; the names public and those of skein never match.
//
//   - Words: two known tenants have the name's beginning up to some separator in common, and part in the word that
//     follows. With t_a and t_b, t_zz is a sibling; with app_t_a and app_t_b, app_t_c is one and app_extensions is not.
//   - Numbers: the names are equal but for the value of their numbers: tenant1, tenant22, and tenant003.
//   - Hashes: names of equal length that are hexadecimal throughout, hyphens apart, such as UUIDs.
//
// A shared schema that is called like the tenants is one by these rules; servers.NAME.search_path names it then.
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

// numbered is a name with # for each run of digits; "" when it has none, or nothing else.
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
