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

// memory reads a number of bytes of memory: a size without "g".
//
// Source: nginx ngx_parse.c, ngx_parse_size.
func memory(text string) (int, bool) {
	n, ok := size(text)
	return int(n), ok && !strings.HasSuffix(strings.ToLower(text), "g")
}

// duration reads a time of a setting in milliseconds.
func duration(text string) (time.Duration, bool) { return upstream.ParseTime(text, false) }

// ineffective says what nginx would find wrong with the value of a directive that
// has no effect here, "" if nothing.
func ineffective(name string, s statement) string {
	ok, why := true, "invalid value"
	switch name {
	case "client_body_buffer_size", "client_header_buffer_size":
		_, ok = memory(s.words[1].text)
	case "large_client_header_buffers":
		n, isNumber := number(s.words[1].text)
		size, isSize := memory(s.words[2].text)
		ok = isNumber && isSize && n > 0 && size > 0
	case "types_hash_max_size", "types_hash_bucket_size", "map_hash_max_size", "map_hash_bucket_size",
		"server_names_hash_max_size", "server_names_hash_bucket_size", "worker_rlimit_nofile":
		_, ok = number(s.words[1].text)
		why = "invalid number"
	}
	if ok {
		return ""
	}
	return why
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
