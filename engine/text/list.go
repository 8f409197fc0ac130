package text

import (
	"strconv"
	"strings"
)

// Some joins the first names and says how many more there are: "a, b and 3 more". All are named if there are at
// most limit of them; "" for none.
func Some(names []string, limit int) string {
	return First(names[:min(limit, len(names))], len(names))
}

// First joins names that are the first of total: "a, b and 3 more", or "a, b" if total is not above their number.
func First(names []string, total int) string {
	joined := strings.Join(names, ", ")
	switch more := total - len(names); {
	case more <= 0:
		return joined
	case len(names) == 0:
		return strconv.Itoa(more)
	default:
		return joined + " and " + strconv.Itoa(more) + " more"
	}
}

// Because returns a reason as the end of a message: ": reason", or "" if there is none.
func Because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
