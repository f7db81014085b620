package conf

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// number reads digits only: no sign, no blank.
//
// Source: nginx ngx_string.c, ngx_atoi.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// size reads a number of bytes such as "512", "8k", "10m" or "1g".
//
// Source: nginx ngx_parse.c, ngx_parse_offset.
func size(text string) (int64, bool) {
	scale := int64(1)
	if text != "" {
		switch text[len(text)-1] | 0x20 {
		case 'k':
			scale = 1 << 10
		case 'm':
			scale = 1 << 20
		case 'g':
			scale = 1 << 30
		}
	}
	if scale > 1 {
		text = text[:len(text)-1]
	}
	n, ok := number(text)
	return int64(n) * scale, ok && int64(n) <= math.MaxInt64/scale
}

var units = []struct {
	suffix string
	length time.Duration
}{
	{"y", 365 * 24 * time.Hour}, {"M", 30 * 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
	{"ms", time.Millisecond}, {"", time.Second},
}

// duration reads a time such as "10", "500ms" or "1m30s". Units must get
// smaller; a number without one is seconds and must come last.
//
// Source: nginx ngx_parse.c, ngx_parse_time.
func duration(text string) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	var total time.Duration
	for _, unit := range units {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		suffix := text[digits:]
		if text == "" {
			break
		}
		if !strings.HasPrefix(suffix, unit.suffix) || unit.suffix == "m" && strings.HasPrefix(suffix, "ms") {
			continue
		}
		n, ok := number(text[:digits])
		if !ok || n > int((math.MaxInt64-total)/unit.length) {
			return 0, false
		}
		total += time.Duration(n) * unit.length
		text = suffix[len(unit.suffix):]
	}
	return total, text == ""
}

// flag reads "on" or "off".
func flag(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "on":
		return true, true
	case "off":
		return false, true
	}
	return false, false
}

// orMinusOne makes nginx's 0 a -1, proxy.None or proxy.Unlimited.
func orMinusOne[N int | int64 | time.Duration](n N) N {
	if n == 0 {
		return -1
	}
	return n
}
