package proxy

import (
	"fmt"
	"strconv"
	"strings"

	"sessionlab/proxy/wire"
)

// DefaultRelease is the nginx that is simulated unless Config.Release says
// otherwise: the one of Debian 12.
const DefaultRelease = "1.22.1"

// release holds what differs between releases of nginx.
type release struct {
	version     string // in the Server header and on error pages
	httpVersion string // proxy_http_version
	connection  string // Connection header sent to the servers, "" for none
	keepalive   int    // idle connections kept for an upstream block
	local       bool   // ... by each location for itself
	wire        wire.Rules
	strictHost  bool // a Host must be well formed
	sticky      bool // sticky, route= and drain exist
	firstOfSame bool // of headers of an answer that should stand there once the first counts
	joinHeaders bool // $http_NAME joins the lines of a repeated header
	dropHeaders []string
}

// oldest is nginx 1.22.0. Keep-Alive, TE, Expect and Upgrade are never passed
// on; Transfer-Encoding is settled anew.
var oldest = release{
	httpVersion: "1.0",
	connection:  "close",
	dropHeaders: []string{"Keep-Alive", "Te", "Expect", "Upgrade"},
}

// changes lists what later releases changed, oldest first.
//
// Source: nginx CHANGES.
var changes = []struct {
	since int // minor*100 + patch of 1.minor.patch
	apply func(*release)
}{
	{2300, func(r *release) { r.joinHeaders, r.firstOfSame, r.wire.StrictAnswers = true, true, true }},
	{2903, func(r *release) { r.wire.Authority = true }},
	{2904, func(r *release) { r.strictHost, r.wire.StrictChunks = true, true }},
	{2906, func(r *release) { r.sticky = true }},
	{2907, func(r *release) { r.httpVersion, r.connection, r.keepalive, r.local = "1.1", "", 32, true }},
	{3100, func(r *release) { r.dropHeaders = append(r.dropHeaders[:4:4], "Proxy-Connection") }},
}

// lastPatch completes a release named by two numbers.
var lastPatch = map[int]int{22: 1, 23: 4, 24: 0, 25: 5, 26: 3, 27: 5, 28: 3, 29: 8, 30: 4, 31: 5}

// releaseOf reads a release such as "1.22", "1.29.7" or "" for the default.
func releaseOf(text string) (release, error) {
	if text == "" {
		text = DefaultRelease
	}
	var numbers []int
	for _, word := range strings.Split(text, ".") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 || n > 99 {
			return release{}, fmt.Errorf("unknown nginx release %q", text)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 2 || len(numbers) > 3 || numbers[0] != 1 || numbers[1] < 22 || numbers[1] > 31 {
		return release{}, fmt.Errorf("unknown nginx release %q: 1.22 to 1.31 are known", text)
	}
	if len(numbers) == 2 {
		numbers = append(numbers, lastPatch[numbers[1]])
	}
	r := oldest
	r.version = fmt.Sprintf("nginx/1.%d.%d", numbers[1], numbers[2])
	for _, change := range changes {
		if numbers[1]*100+numbers[2] >= change.since {
			change.apply(&r)
		}
	}
	return r, nil
}

// signature is how nginx calls itself in the Server header and on its pages.
func (r release) signature(withVersion bool) []string {
	if !withVersion {
		return []string{"nginx"}
	}
	return []string{r.version}
}

// onceInAnswers are headers of servers' answers of which the first counts.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_headers_in.
var onceInAnswers = namesOf("Content-Type", "Date", "Etag", "Server", "Location", "Refresh", "Last-Modified", "Expires")

// among are those of several lines of an answer's header that count.
func (r release) among(name string, values []string) []string {
	switch {
	case r.firstOfSame && onceInAnswers.has(name):
		return values[:1:1]
	case name == "Content-Type":
		return values[len(values)-1:]
	}
	return values
}
