package worldtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"sessionlab/lab/world"
)

var httpRows = []row{
	{"a simple exchange", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var seen string
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			seen = fmt.Sprintf("%s %s %s host=%s length=%d name=%s",
				req.Method, req.RequestURI, req.Proto, req.Host, req.ContentLength, req.URL.Query().Get("name"))
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "short and stout")
		})
		r.as(alice, func(ctx context.Context) {
			a := r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/set%20it?name=cart&value=a%26b")
			if a.err != nil || a.status != http.StatusTeapot || a.body != "short and stout" {
				r.errorf("answer %d %q, %v", a.status, a.body, a.err)
			}
			same(r, "request", seen, "GET /set%20it?name=cart&value=a%26b HTTP/1.1 host=lab length=0 name=cart")
		})
	}},
	{"a target leaves as it is written", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var seen string
		r.serve(h, func(w http.ResponseWriter, req *http.Request) { seen = req.RequestURI + " is " + req.URL.Path })
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for target, path := range map[string]string{
				"/%73et":                "/set",
				"/set%2Fit?name=%63art": "/set/it",
				"//double//path":        "//double//path",
				"/a%20b;v=%31?x=%20":    "/a b;v=1",
				"/?":                    "/",
			} {
				req := request("GET", "/", "")
				req.RequestURI, req.URL.Path = target, target
				r.ok(target, exchange(ctx, c, req), "")
				same(r, "the target at the server", seen, target+" is "+path)
			}
		})
	}},
	{"headers go both ways", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var host string
		var got http.Header
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			host, got = req.Host, req.Header.Clone()
			w.Header().Add("Set-Cookie", "JSESSIONID=A.tomcat1; Path=/")
			w.Header().Add("Set-Cookie", "theme=dark")
			w.Header().Set("x-node", "tomcat1") // Set spells it in the canonical way
		})
		r.as(alice, func(ctx context.Context) {
			req := request("GET", "/", "")
			req.Host = "shop.example"
			req.Header.Set("Cookie", "JSESSIONID=A.tomcat1; theme=dark")
			req.Header.Add("X-Forwarded-For", "10.0.1.7")
			req.Header.Add("X-Forwarded-For", "10.0.1.8")
			a := exchange(ctx, r.dialHTTP(ctx, alice, web(h)), req)
			r.ok("answer", a, "")
			same(r, "Host", host, "shop.example")
			same(r, "Cookie", got.Get("Cookie"), "JSESSIONID=A.tomcat1; theme=dark")
			if list := got.Values("X-Forwarded-For"); !slices.Equal(list, []string{"10.0.1.7", "10.0.1.8"}) {
				r.errorf("X-Forwarded-For = %v", list)
			}
			if list := a.header.Values("Set-Cookie"); !slices.Equal(list, []string{"JSESSIONID=A.tomcat1; Path=/", "theme=dark"}) {
				r.errorf("Set-Cookie = %v", list)
			}
			same(r, "X-Node", a.header.Get("X-Node"), "tomcat1")
		})
	}},
	{"each side keeps its own headers and buffers", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			req.Header.Set("X-Mine", "changed by the server")
			buf := []byte("hello")
			w.Header().Set("X-Answer", "as sent")
			w.Write(buf)
			w.(http.Flusher).Flush()
			copy(buf, "spoil")
			w.Header().Set("X-Answer", "too late")
		})
		r.as(alice, func(ctx context.Context) {
			req := request("GET", "/", "")
			req.Header.Set("X-Mine", "the client's")
			a := exchange(ctx, r.dialHTTP(ctx, alice, web(h)), req)
			r.ok("answer", a, "hello")
			same(r, "the client's request header", req.Header.Get("X-Mine"), "the client's")
			same(r, "X-Answer", a.header.Get("X-Answer"), "as sent")
		})
	}},
	{"a handler's own status line arrives as it is", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			say := req.URL.Query().Get("say")
			status, _, _ := strings.Cut(say, " ")
			code, _ := strconv.Atoi(status)
			if req.URL.Path == "/own" {
				w.(world.StatusWriter).WriteStatus(code, say)
			} else {
				w.WriteHeader(code)
			}
			io.WriteString(w, "hello")
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for _, x := range []struct{ path, want string }{
				{"/own?say=302+Moved+Temporarily", "302 Moved Temporarily"},
				{"/own?say=200+", "200 "},
				{"/own?say=200", "200"},
				{"/own?say=200+OK", "200 OK"},
				{"/own?say=799+Odd", "799 Odd"},
				{"/usual?say=404", "404 Not Found"},
				{"/usual?say=299", "299 "},
			} {
				resp, err := c.RoundTrip(ctx, request("GET", x.path, ""))
				r.must(err, "GET %s", x.path)
				same(r, x.path, resp.Status, x.want)
				_, err = io.Copy(io.Discard, resp.Body)
				r.must(err, "body of %s", x.path)
			}
		})
	}},
	{"a client that gave up uses its header again, and the handler keeps what was sent", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var in, goOn atomic.Bool
		var kept atomic.Value
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			in.Store(true)
			for !goOn.Load() && h.Sleep(req.Context(), tick) == nil {
			}
			kept.Store(fmt.Sprint(req.Header["X-Mine"], req.Header["X-Other"]))
		}, world.ServeOptions{HeaderKept: true})
		r.as(alice, func(ctx context.Context) {
			limited, cancel := alice.WithTimeout(ctx, patience)
			defer cancel()
			req := request("GET", "/", "")
			req.Header.Set("X-Mine", "first")
			alice.Go("give up", func(context.Context) {
				r.await(ctx, alice, "the request at the handler", in.Load)
				cancel()
			})
			a := exchange(limited, r.dialHTTP(ctx, alice, web(h)), req)
			r.outcome("the abandoned exchange", a.err, web(h), world.Canceled)
			req.Header.Set("X-Mine", "second")
			req.Header.Set("X-Other", "more")
			goOn.Store(true)
			r.await(ctx, alice, "the handler's end", func() bool { return kept.Load() != nil })
			same(r, "header at the end of the handler", kept.Load().(string), "[first] []")
		})
	}},
	{"the server sees the logical address", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var remote string
		l := r.serve(h, func(w http.ResponseWriter, req *http.Request) { remote = req.RemoteAddr })
		same(r, "Listener.Addr", l.Addr(), "172.16.12.101:8080")
		r.as(alice, func(ctx context.Context) {
			r.ok("answer", r.get(ctx, r.dialHTTP(ctx, alice, web(h)), "/"), "")
			host, port, err := net.SplitHostPort(remote)
			if host != "10.0.1.7" || port == "" || port == "0" || err != nil {
				r.errorf("RemoteAddr = %q, want 10.0.1.7 with a port", remote)
			}
		})
	}},
	{"addresses of IPv6 are machines, too", func(r *rig) {
		h := r.boot("tomcat1")
		clients := []world.Host{r.boot("carol"), r.boot("alice"), r.boot("dave")}
		host := func(addr string) string {
			name, _, err := net.SplitHostPort(addr)
			if err != nil {
				r.errorf("%q is no address with a port: %v", addr, err)
			}
			return name
		}
		var remote string
		r.serve(h, func(w http.ResponseWriter, req *http.Request) { remote = req.RemoteAddr })
		same(r, "Addr", clients[0].Addr(), "2001:db8::7")
		l := r.listen(h, 4000)
		for _, c := range clients {
			r.as(c, func(ctx context.Context) {
				r.ok("answer", r.get(ctx, r.dialHTTP(ctx, c, web(h)), "/"), "")
				same(r, "RemoteAddr at the server", host(remote), c.Addr())
				s := r.dial(c, l.Addr())
				same(r, "LocalAddr of the caller", host(s.LocalAddr()), c.Addr())
				same(r, "RemoteAddr of the called", r.accept(h, l).RemoteAddr(), s.LocalAddr())
			})
		}
		for _, server := range []world.Host{clients[0], clients[2]} {
			at := r.serve(server, func(w http.ResponseWriter, req *http.Request) { remote = req.RemoteAddr + " " + server.Name() })
			same(r, "Listener.Addr", at.Addr(), "["+server.Addr()+"]:8080")
		}
		r.as(h, func(ctx context.Context) {
			r.ok("answer", r.get(ctx, r.dialHTTP(ctx, h, "[2001:db8::8]:8080"), "/"), "")
			if !strings.HasPrefix(remote, "172.16.12.101:") || !strings.HasSuffix(remote, " dave") {
				r.errorf("asked by and of: %q, want tomcat1's address and dave", remote)
			}
			_, err := h.DialHTTP(ctx, "[2001:db8::9]:8080")
			r.outcome("dial to nobody", err, "[2001:db8::9]:8080", world.Refused)
		})
	}},
	{"bodies go both ways", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var length int64
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			length = req.ContentLength
			body, err := io.ReadAll(req.Body)
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
			w.Write(body)
		})
		big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB: more than sockets buffer
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for _, body := range []string{"", "name=cart", big} {
				r.ok("known length", exchange(ctx, c, request("POST", "/", body)), body)
				same(r, "ContentLength", length, int64(len(body)))
			}
			req := request("POST", "/", "")
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(big)), -1
			r.ok("unknown length", exchange(ctx, c, req), big)
			same(r, "ContentLength of an unknown length", length, -1)
		})
	}},
	{"an unread request body leaves the next request in peace", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			r.ok("first", exchange(ctx, c, request("POST", "/", "GET /smuggled HTTP/1.1\r\n\r\n")), "hello")
			r.ok("second", r.get(ctx, c, "/"), "hello")
		})
	}},
	{"flush sends before the handler ends", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var goOn, ended atomic.Bool
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("X-Node", "tomcat1")
			w.(http.Flusher).Flush() // the head alone
			for _, part := range []string{"one", "two"} {
				for !goOn.Swap(false) {
					if h.Sleep(req.Context(), tick) != nil {
						return
					}
				}
				io.WriteString(w, part)
				w.(http.Flusher).Flush()
			}
			for !goOn.Load() {
				if h.Sleep(req.Context(), tick) != nil {
					return
				}
			}
			ended.Store(true)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			resp, err := c.RoundTrip(ctx, request("GET", "/", ""))
			r.must(err, "head")
			same(r, "X-Node", resp.Header.Get("X-Node"), "tomcat1")
			for _, part := range []string{"one", "two"} {
				goOn.Store(true)
				buf := make([]byte, 3)
				_, err = io.ReadFull(resp.Body, buf)
				r.must(err, "part %s", part)
				same(r, "part", string(buf), part)
				same(r, "handler ended", ended.Load(), false)
			}
			goOn.Store(true)
			rest, err := io.ReadAll(resp.Body)
			if len(rest) > 0 || err != nil {
				r.errorf("the rest of the body = %q, %v, want its end", rest, err)
			}
		})
	}},
	{"HTTP/1.1 without a length is chunked", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, streamed)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for range 2 { // the end of the body is told, so the connection lives
				a := r.get(ctx, c, "/")
				r.ok("answer", a, "HTTP/1.1 streamed")
				same(r, "ContentLength", a.length, -1)
				if !slices.Equal(a.encoding, []string{"chunked"}) {
					r.errorf("TransferEncoding = %v, want [chunked]", a.encoding)
				}
			}
			same(r, "Alive", c.Alive(), true)
		})
	}},
	{"HTTP/1.0 without a length ends with the connection", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, streamed)
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			a := exchange(ctx, c, oldRequest("/"))
			r.ok("answer", a, "HTTP/1.0 streamed")
			same(r, "ContentLength", a.length, -1)
			if len(a.encoding) != 0 {
				r.errorf("TransferEncoding = %v, want none", a.encoding)
			}
			r.await(ctx, alice, "the connection is closed", func() bool { return !c.Alive() })
		})
	}},
	{"a length that the handler gives is sent", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, hello)
		r.as(alice, func(ctx context.Context) {
			for _, req := range []*http.Request{request("GET", "/", ""), oldRequest("/")} {
				a := exchange(ctx, r.dialHTTP(ctx, alice, web(h)), req)
				r.ok(req.Proto, a, "hello")
				same(r, req.Proto+" ContentLength", a.length, 5)
			}
		})
	}},
	{"answers without a body have none", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			switch req.URL.Path {
			case "/head":
				hello(w, req)
			case "/204":
				w.WriteHeader(http.StatusNoContent)
			case "/304":
				w.WriteHeader(http.StatusNotModified)
			}
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for _, x := range []struct {
				method, path string
				status       int
			}{{"HEAD", "/head", 200}, {"GET", "/204", 204}, {"GET", "/304", 304}, {"HEAD", "/head", 200}} {
				a := exchange(ctx, c, request(x.method, x.path, ""))
				if a.err != nil || a.status != x.status || a.body != "" {
					r.errorf("%s %s = %d %q, %v, want %d without a body", x.method, x.path, a.status, a.body, a.err, x.status)
				}
				if x.method == "HEAD" {
					same(r, "Content-Length of HEAD", a.header.Get("Content-Length"), "5")
				}
			}
			same(r, "Alive", c.Alive(), true)
		})
	}},
	{"an answer without a body is over with its head, however much the handler writes", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			if req.Method == "GET" {
				hello(w, req)
				return
			}
			w.(http.Flusher).Flush()
			for range 20 {
				io.WriteString(w, strings.Repeat("x", 1000))
			}
			_ = h.Sleep(req.Context(), 2*tick)
		})
		r.as(alice, func(ctx context.Context) {
			c := r.dialHTTP(ctx, alice, web(h))
			for range 3 {
				if a := exchange(ctx, c, request("HEAD", "/", "")); a.err != nil || a.status != 200 || a.body != "" {
					r.errorf("HEAD = %d %q, %v, want 200 without a body", a.status, a.body, a.err)
				}
				if a := exchange(ctx, c, request("GET", "/", "")); a.err != nil || a.status != 200 || a.body != "hello" {
					r.errorf("GET = %d %q, %v, want 200 and hello", a.status, a.body, a.err)
				}
			}
		})
	}},
	{"two connections are served at once", func(r *rig) {
		h, alice := r.boot("tomcat1"), r.boot("alice")
		var in atomic.Int32
		r.serve(h, func(w http.ResponseWriter, req *http.Request) {
			in.Add(1)
			for in.Load() < 2 && h.Sleep(req.Context(), tick) == nil {
			}
		})
		one, two := r.ask(alice, web(h), "/one"), r.ask(alice, web(h), "/two")
		r.ok("one", one.wait(), "")
		r.ok("two", two.wait(), "")
	}},
}

// streamed answers with the protocol that it was asked in, in two parts and
// without a length.
func streamed(w http.ResponseWriter, req *http.Request) {
	io.WriteString(w, req.Proto)
	w.(http.Flusher).Flush()
	io.WriteString(w, " streamed")
}
