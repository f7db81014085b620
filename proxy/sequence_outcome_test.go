package proxy_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// outcome writes down what came of a request.
func (g *stage) outcome(r *seqRequest, reply seqReply) string {
	log := g.logged(r.id, reply.from)
	addr := log.addr
	for name, at := range sequenceNodes {
		addr = strings.ReplaceAll(addr, at, name)
	}
	addr = strings.NewReplacer(", ", ">", " : ", ">").Replace(addr)
	trail := strings.Split(addr, ">")
	for i, one := range trail {
		if slices.Contains(g.groups, one) {
			trail[i] = "nobody"
		}
	}
	addr = strings.Join(trail, ">")
	statuses := strings.NewReplacer(", ", ",", " : ", ":").Replace(log.statuses)
	if addr == "-" {
		addr, statuses = "", ""
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	status := strconv.Itoa(reply.status)
	switch {
	case reply.closed:
		status = strconv.Itoa(log.status)
		add("closed %s", status)
	case reply.status != 200 || addr == "":
		add("%s", status)
	}
	if addr != "" {
		add("%s", addr)
	}
	if addr != "" && statuses != status {
		add("us=%s", statuses)
	}
	last := ""
	for _, name := range strings.Split("abcdefgh", "") {
		n := g.nodes[name]
		n.mu.Lock()
		for _, got := range n.seen[r.id] {
			if d := g.difference(r, got); d != "" {
				add("%s[%s]", name, d)
			}
			if name == trail[len(trail)-1] {
				last = got.sent
			}
		}
		n.mu.Unlock()
	}
	if reply.closed {
		return strings.Join(out, " ")
	}
	switch builtin := strings.Contains(reply.body, "<hr><center>nginx"); {
	case builtin && last != "" && last != "\x00":
		add("page")
	case !builtin && reply.body != last && reply.body != "" && !reply.cut:
		add("%.60q", reply.body)
	}
	if reply.cut {
		add("cut")
	}
	if reply.chunked {
		add("chunked")
	}
	for _, name := range []string{"Location", "Refresh", "Keep-Alive", "Set-Cookie", "Www-Authenticate", "Vary", "Allow"} {
		for _, v := range reply.header[name] {
			add("%s=%s", name, v)
		}
	}
	for _, v := range reply.header["Content-Type"] {
		if v != "text/plain" && v != "text/html" {
			add("Content-Type=%s", v)
		}
	}
	var own []string
	for name := range reply.header {
		if strings.HasPrefix(name, "X-") {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	for _, name := range own {
		for _, v := range reply.header[name] {
			add("%s=%s", name, v)
		}
	}
	if r.keep {
		if reply.open {
			add("open")
		} else {
			add("closed")
		}
	}
	if reply.took > 200*time.Millisecond {
		add("~%v", reply.took.Round(100*time.Millisecond))
	}
	return strings.Join(out, " ")
}

// difference is what a node got that is not simply what the client sent.
func (g *stage) difference(r *seqRequest, got seen) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if got.r.Method != r.method {
		add("%s", got.r.Method)
	}
	if got.r.RequestURI != r.target {
		add("%s", got.r.RequestURI)
	}
	if g.kept {
		if got.conn != "#1.1" {
			add("%s", got.conn)
		}
	} else if got.r.ProtoAtLeast(1, 1) {
		add("1.1")
	}
	if !slices.Contains(g.groups, got.r.Host) {
		add("Host=%s", plainAddr(got.r.Host))
	}
	sent := http.Header{}
	for _, h := range r.header {
		sent.Add(h[0], h[1])
	}
	ignored := map[string]bool{"Host": true, world.HeaderRequest: true, "Content-Length": true, "User-Agent": true, "Accept-Encoding": true}
	names := map[string]bool{}
	for name := range sent {
		names[name] = true
	}
	for name := range got.r.Header {
		names[name] = true
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		switch value := strings.Join(got.r.Header[name], "|"); {
		case ignored[name], name == "Connection" && (value == "close" || value == ""):
		case value == strings.Join(sent[name], "|"):
		case got.r.Header[name] == nil:
			add("-%s", name)
		default:
			add("%s=%s", name, plainAddr(value))
		}
	}
	if !bytes.Equal([]byte(got.body), []byte(r.body)) {
		add("body=%s", got.body)
	}
	return strings.Join(out, " ")
}

// plainAddr writes a node's address as @NAME.
func plainAddr(text string) string {
	for name, at := range sequenceNodes {
		text = strings.ReplaceAll(text, at, "@"+name)
	}
	return text
}
