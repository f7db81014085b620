package upstream

import (
	"math"
	"time"
)

// timeUnits are the letters of a time in nginx's notation, the longest first,
// in seconds.
var timeUnits = []struct {
	letter byte
	length int64
}{{'y', 365 * 86400}, {'M', 30 * 86400}, {'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}

// Ranks of units: a unit must stand behind a longer one.
const (
	rankOfMonth   = 2
	rankOfSecond  = 7
	rankOfMillis  = 8
	rankOfNothing = 9 // behind a number without unit that a blank follows
)

// forever is the longest time: nginx knows longer ones, which nobody lives to
// see.
const forever = math.MaxInt64 / 4

// ParseTime reads a time in nginx's notation, such as "10", "500ms", "1m30s" or
// "1h 30m". With inSeconds it is for a setting in whole seconds, which takes no
// milliseconds; only such a setting takes years and months.
//
// Source: nginx ngx_parse.c, ngx_parse_time.
func ParseTime(text string, inSeconds bool) (time.Duration, bool) {
	perSecond, rank := int64(1), 0
	if !inSeconds {
		perSecond, rank = 1000, rankOfMonth
	}
	var value, total int64
	digits := false
	add := func(scale int64) bool {
		if value > math.MaxInt64/scale || total > math.MaxInt64-value*scale {
			return false
		}
		total += value * scale
		value = 0
		return true
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if '0' <= c && c <= '9' {
			if value > (math.MaxInt64-int64(c-'0'))/10 {
				return 0, false
			}
			value, digits = value*10+int64(c-'0'), true
			continue
		}
		own, scale := 0, perSecond
		switch {
		case c == ' ' && rank < rankOfSecond:
			own = rankOfNothing
		case c == 'm' && i+1 < len(text) && text[i+1] == 's':
			if inSeconds {
				return 0, false
			}
			own, scale = rankOfMillis, 1
			i++
		default:
			for n, unit := range timeUnits {
				if unit.letter == c {
					own, scale = n+1, unit.length*perSecond
				}
			}
		}
		if own <= rank || !add(scale) {
			return 0, false
		}
		rank = own
		for i+1 < len(text) && text[i+1] == ' ' {
			i++
		}
	}
	if !digits || !add(perSecond) {
		return 0, false
	}
	unit := int64(time.Second) / perSecond
	return time.Duration(min(total, forever/unit) * unit), true
}
