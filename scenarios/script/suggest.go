package script

import (
	"fmt"
	"strings"
)

// didYouMean is a hint that names the candidate nearest to a misspelt word, or
// "" if none is near.
func didYouMean(word string, candidates []string) string {
	if c := Nearest(word, candidates); c != "" {
		return fmt.Sprintf("did you mean %q?", c)
	}
	return ""
}

// Nearest finds the candidate that a misspelt word was probably meant to be:
// at most a third of its letters may differ, and upper and lower case count
// as the same letter. It is "" if there is none; of equally near ones the first
// counts.
func Nearest(word string, candidates []string) string {
	if near := nearestOf(word, candidates); near != nil {
		return near[0]
	}
	return ""
}

// nearestOf are the candidates of which Nearest is the first.
func nearestOf(word string, candidates []string) (near []string) {
	if word == "" || len(word) > 64 {
		return nil
	}
	bestAt := max(1, len(word)/3)
	for _, c := range candidates {
		switch d := distance(strings.ToLower(word), strings.ToLower(c), bestAt+1); {
		case d > bestAt || d >= len(c):
		case d < bestAt || near == nil:
			near, bestAt = []string{c}, d
		default:
			near = append(near, c)
		}
	}
	return near
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between two words; it answers limit when there are as many or more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(b)], limit)
}

// orList joins words for a message: "a, b or c".
func orList(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
