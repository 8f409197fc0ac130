package plan

import "bytes"

// expandedDepth is down to which depth a plan file has a line for each entry: the list of a wave's tenants.
const expandedDepth = 4

// formatPlan breaks JSON without white space into lines, for people to read and to compare: lists and objects that hold
// others have a line for each entry, down to expandedDepth; all else is on one line.
func formatPlan(src []byte) []byte {
	holds := expandedAt(src)
	out := bytes.NewBuffer(make([]byte, 0, len(src)+len(src)/4))
	var open []bool // of each list or object that is open, whether it has a line an entry
	newline := func() {
		out.WriteByte('\n')
		for range open {
			out.WriteString("  ")
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			out.Write(src[i:end])
			i = end - 1
		case '{', '[':
			out.WriteByte(c)
			open = append(open, holds[i] && len(open) <= expandedDepth)
			if open[len(open)-1] {
				newline()
			}
		case '}', ']':
			lines := open[len(open)-1]
			open = open[:len(open)-1]
			if lines {
				newline()
			}
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			if open[len(open)-1] {
				newline()
			} else {
				out.WriteByte(' ')
			}
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	return out.Bytes()
}

// expandedAt returns where the lists and objects begin that hold others.
func expandedAt(src []byte) map[int]bool {
	holds := map[int]bool{}
	var open []int
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '"':
			i = stringEnd(src, i) - 1
		case '{', '[':
			if len(open) > 0 {
				holds[open[len(open)-1]] = true
			}
			open = append(open, i)
		case '}', ']':
			open = open[:len(open)-1]
		}
	}
	return holds
}

// stringEnd returns the offset after the JSON string that begins at i.
func stringEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}
