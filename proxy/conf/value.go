package conf

import (
	"math"
	"strconv"
	"strings"
	"time"

	"sessionlab/proxy/upstream"
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

// duration reads a time of a setting in milliseconds.
func duration(text string) (time.Duration, bool) { return upstream.ParseTime(text, false) }

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
