package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sessionlab/lab/world"
)

// seqNode is a node whose behaviour a sequence sets.
type seqNode struct {
	name string
	host world.Host
	lis  world.Listener

	mu    sync.Mutex
	how   [][]string // what comes next; the last one stays
	count int
	seen  map[string][]seen // by request id
	conns []string          // client addresses of connections, in order
	nth   map[string]int
}

// seen is a request that a node got.
type seen struct {
	r    *http.Request
	body string
	conn string
	sent string // what it answered; "\x00" for nothing
}

// serve opens the node's port.
func (n *seqNode) serve(t testing.TB) {
	lis, err := n.host.Serve(18080, http.HandlerFunc(n.handle), world.ServeOptions{ReadRequest: readLeniently})
	if err != nil {
		t.Fatal(err)
	}
	n.lis = lis
}

// readLeniently reads a request whose target may have blanks: the node tells what
// it got. Nothing comes behind a request before it is answered.
func readLeniently(in *bufio.Reader) (*http.Request, int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, 0, err
	}
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if first < 0 || first == last {
		return nil, 0, fmt.Errorf("request line %q", line)
	}
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(line[:first]+" /"+line[last:]), in)))
	if err == nil {
		r.RequestURI = line[first+1 : last]
	}
	return r, len(line), err
}

// become sets the behaviour: words of
//
//	ok, STATUS, close, reset, hang, refuse, bad_head, conn_close, drop_idle,
//	size=N, delay=D, unframed, cut=N (of size), pieces=N every=D, body=TEXT
//
// and headers. A comma of its own begins what holds for the next request.
func (n *seqNode) become(t testing.TB, words []string) {
	var all [][]string
	for {
		i := slices.Index(words, ",")
		if i < 0 {
			all = append(all, words)
			break
		}
		all = append(all, words[:i])
		words = words[i+1:]
	}
	switch {
	case words[0] == "refuse" || words[0] == "drop_idle":
		if n.lis != nil {
			n.lis.Close()
			n.lis = nil
		}
		if words[0] == "refuse" {
			return
		}
		n.serve(t)
		return
	case n.lis == nil:
		n.serve(t)
	}
	n.mu.Lock()
	n.how = all
	n.mu.Unlock()
}

func (n *seqNode) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	n.count++
	how := n.how[0]
	if len(n.how) > 1 {
		n.how = n.how[1:]
	}
	if !slices.Contains(n.conns, r.RemoteAddr) {
		n.conns = append(n.conns, r.RemoteAddr)
	}
	n.nth[r.RemoteAddr]++
	got := seen{r: r.Clone(context.Background()), body: string(body), sent: "\x00",
		conn: fmt.Sprintf("#%d.%d", 1+slices.Index(n.conns, r.RemoteAddr), n.nth[r.RemoteAddr])}
	text := fmt.Sprintf("%s#%d", n.name, n.count)
	id := r.Header.Get(world.HeaderRequest)
	at := len(n.seen[id])
	n.seen[id] = append(n.seen[id], got)
	n.mu.Unlock()

	status, pieces, every, cut := 200, 1, time.Duration(0), -1
	framed := true
	for _, word := range how {
		name, v, _ := strings.Cut(word, "=")
		number, _ := strconv.Atoi(v)
		d, _ := time.ParseDuration(v)
		switch name {
		case "ok":
		case "close":
			w.(world.ResponseCutter).Cut(world.Closed)
			return
		case "reset":
			w.(world.ResponseCutter).Cut(world.Reset)
			return
		case "bad_head":
			w.(world.ResponseCutter).Cut(world.BadHead)
			return
		case "hang":
			_ = n.host.Sleep(r.Context(), time.Hour)
			return
		case "delay":
			_ = n.host.Sleep(r.Context(), d)
		case "conn_close":
			w.Header().Set("Connection", "close")
		case "size":
			text = strings.Repeat("x", number)
		case "body":
			text = v
		case "unframed":
			framed = false
		case "pieces":
			pieces = number
		case "every":
			every = d
		case "cut":
			cut = number
		default:
			if code, err := strconv.Atoi(name); err == nil {
				status = code
			} else {
				w.Header().Add(name, v)
			}
		}
	}
	if status == 204 || status == 304 {
		text = ""
	} else if framed {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	n.mu.Lock()
	n.seen[id][at].sent = text
	n.mu.Unlock()
	w.WriteHeader(status)
	flush := func() { w.(http.Flusher).Flush() }
	if cut >= 0 {
		_, _ = io.WriteString(w, text[:cut])
		flush()
		w.(world.ResponseCutter).Cut(world.Cut)
		return
	}
	for i := range pieces {
		if i > 0 {
			flush()
			_ = n.host.Sleep(r.Context(), every)
		}
		if _, err := io.WriteString(w, text[len(text)*i/pieces:len(text)*(i+1)/pieces]); err != nil {
			return
		}
	}
	if !framed && pieces == 1 {
		flush()
	}
}
