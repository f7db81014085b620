package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestRandomSequencesAgreeWithNginx holds the front against a real nginx in
// sequences that nobody has written: as many as SEQUENCES_COUNT says, from the
// number SEQUENCES_FROM on, of all kinds or of SEQUENCES_KIND.
func TestRandomSequencesAgreeWithNginx(t *testing.T) {
	program := os.Getenv(nginxVariable)
	if program == "" {
		t.Skip(nginxVariable + " names no nginx")
	}
	count, _ := strconv.Atoi(os.Getenv("SEQUENCES_COUNT"))
	from, _ := strconv.Atoi(os.Getenv("SEQUENCES_FROM"))
	kinds := strings.Fields("failover locations headers names together pages clients")
	if kind := os.Getenv("SEQUENCES_KIND"); kind != "" {
		kinds = []string{kind}
	}
	for _, kind := range kinds {
		for n := from; n < from+count; n++ {
			t.Run(fmt.Sprint(kind, n), func(t *testing.T) {
				s := randomSequence(kind, uint64(n))
				if said := newNginx(t, program, s).test(t); strings.Contains(said, "[emerg]") {
					start := s
					start.steps = []step{{words: []string{"start"}}}
					if got := runOurs(t, start)[0]; got != said {
						t.Errorf("start\n%s\ngot  %s\nwant %s", strings.Join(s.conf, "\n"), got, said)
					}
					return
				}
				want, _ := runNginx(t, program, s)
				got := runOurs(t, s)
				for i := range got {
					if took.ReplaceAllString(got[i], "") != took.ReplaceAllString(want[i], "") {
						t.Errorf("%s\n%s\ngot  %s\nwant %s", strings.Join(s.conf, "\n"), s.until(i), got[i], want[i])
						return
					}
				}
			})
		}
	}
}

// took is how long an answer took, which a busy machine makes longer.
var took = regexp.MustCompile(` ~[0-9.]+m?s`)

// until is what a sequence does up to a step.
func (s sequence) until(i int) string {
	var all []string
	for _, st := range s.steps[:i+1] {
		for j, w := range st.words {
			if strings.Contains(w, " ") {
				st.words[j] = strconv.Quote(w)
			}
		}
		all = append(all, strings.Join(st.words, " "))
	}
	return strings.Join(all, "\n")
}

// dice make random words.
type dice struct{ *rand.Rand }

// one is one of some words, which blanks part.
func (d dice) one(words string) string {
	all := strings.Fields(words)
	return all[d.IntN(len(all))]
}

// pick is one of some texts.
func (d dice) pick(texts ...string) string { return texts[d.IntN(len(texts))] }

// maybe is a text in percent of the cases, else "".
func (d dice) maybe(percent int, text string) string {
	if d.IntN(100) < percent {
		return text
	}
	return ""
}

func randomSequence(kind string, n uint64) sequence {
	d := dice{rand.New(rand.NewPCG(n, uint64(len(kind))))}
	s := sequence{name: fmt.Sprint(kind, n), file: kind}
	add := func(line string) { s.steps = append(s.steps, step{words: splitWords(line)}) }
	switch kind {
	case "failover":
		s.conf = d.failover()
		add("clock 100ms")
		for range 6 + d.IntN(14) {
			switch d.IntN(10) {
			case 0, 1, 2:
				add(d.one("a b c") + " " + d.behaviour())
			case 3:
				if d.IntN(3) == 0 {
					add("wait " + d.one("300ms 1.1s 2.2s"))
				}
			default:
				add(d.request("/p?k=" + d.one("1 2 3 4 5 6")))
			}
		}
	case "locations":
		s.conf = d.locations()
		for range 12 {
			add(d.one("GET GET GET GET GET GET POST HEAD") + " " + d.target() + d.maybe(20, " Host="+d.one("shop.test:8080 Other.Test x.org:80")))
		}
	case "headers":
		s.conf = d.headers()
		for range 8 {
			if d.IntN(2) == 0 {
				add("a " + d.answer())
			}
			add(d.request(d.one("/ /x/y /app/z?q=1 /one /one/two /z?a=b")) + d.sent())
		}
	case "together":
		s.conf = d.failover()
		add("clock 100ms")
		for range 2 + d.IntN(3) {
			for range d.IntN(3) {
				add(d.one("a b c") + " " + d.pick("ok", "delay=170ms", "delay=170ms", "delay=260ms", "delay=470ms", "hang", "refuse", "delay=90ms 503", "delay=170ms , close", "ok , delay=230ms , ok"))
			}
			at := 0
			for range 2 + d.IntN(5) {
				add(fmt.Sprintf("+%d GET /%d?k=%d", at, at, d.IntN(6)))
				at += 60 + 60*d.IntN(3)
			}
			add("wait " + d.one("400ms 1.1s"))
			add("clock 100ms")
		}
	case "pages":
		s.conf = d.pages()
		for range 10 {
			if d.IntN(2) == 0 {
				add(d.one("a b") + " " + d.pick("ok", "refuse", "close", d.answer(), "404", "500", "503 Retry-After=5", "401 Www-Authenticate=\"Basic realm=\\\"n\\\"\"", "302 Location=http://one/x", "403 body=no"))
			}
			add(d.request(d.one("/ /a /a/b?x=1 /r /e/1 /e/2 /f.txt /none /i /i.html?q=2")))
		}
	case "clients":
		s.conf = d.clients()
		for range 10 {
			switch d.IntN(6) {
			case 0:
				add("wait " + d.one("300ms 1.2s"))
			case 1:
				add("a " + d.pick("ok", "ok", "unframed", "404", "304", "conn_close", "refuse", "cut=3 size=9", "size=9000", "close", "500"))
			default:
				add(d.one("GET GET HEAD POST") + " /" + d.one("x r e off") + d.maybe(20, " 1.0") + d.maybe(10, " Connection=keep-alive") + d.maybe(10, " Connection=close") +
					d.maybe(80, " conn="+d.one("k l")) + d.maybe(20, " body=abc"))
			}
		}
	case "names":
		s.conf = d.names()
		for range 12 {
			add("GET /" + d.one("a b/c x.jsp") + " Host=" + d.host() + d.maybe(30, " Cookie=\""+d.cookies()+"\""))
		}
	}
	return s
}

func (d dice) request(target string) string {
	method := d.one("GET GET GET GET GET GET POST PUT DELETE PATCH OPTIONS")
	body := ""
	if method == "POST" || method == "PUT" || method == "PATCH" {
		body = d.maybe(80, " body=\"k=v\"") + d.maybe(0, " chunked")
	}
	return method + " " + target + body + d.maybe(10, " from=101")
}

func (d dice) behaviour() string {
	return d.pick("ok", "ok", "ok", "refuse", "refuse", "close", "reset", "bad_head", "hang", "conn_close", "drop_idle", "cut=3 size=20",
		"cut=0 size=9", "unframed", "close , ok", "503 , ok", "404 , ok , close , ok", "size=5000 cut=4500", d.one("500 502 503 504 403 404 429 301 304 204 401 200 418 400"),
		"pieces=2 every=100ms size=100", "pieces=2 every=500ms size=100", "delay=500ms", "hang , ok")
}

func (d dice) failover() []string {
	params := func() string {
		return d.maybe(30, " weight="+d.one("2 3 5")) + d.maybe(40, " max_fails="+d.one("0 1 2 3")) +
			d.maybe(40, " fail_timeout="+d.one("1s 2s 1 0")) + d.maybe(4, " down") + d.maybe(10, " max_conns=1")
	}
	group := "upstream app { " + d.pick("", "", "", "", "least_conn; ", "hash $arg_k; ", "hash $arg_k consistent; ", "ip_hash; ")
	plain := !strings.Contains(group, "hash")
	for i, name := range []string{"a", "b", "c"} {
		if i == 2 && d.IntN(2) == 0 {
			continue
		}
		group += "server @" + name + params()
		if plain && i > 0 {
			group += d.maybe(15, " backup")
		}
		group += "; "
	}
	kept := d.IntN(3) == 0
	if kept {
		group += "keepalive " + d.one("1 2 4") + "; " + d.maybe(20, "keepalive_requests 2; ")
	}
	group += "}"
	loc := "location / { proxy_read_timeout 300ms; "
	if kept {
		loc += `proxy_http_version 1.1; proxy_set_header Connection ""; `
	} else {
		loc += d.maybe(20, "proxy_http_version 1.1; ")
	}
	words := strings.Fields("error timeout invalid_header http_500 http_502 http_503 http_504 http_403 http_404 http_429 non_idempotent")
	switch d.IntN(4) {
	case 0:
		loc += "proxy_next_upstream " + d.pick("off", "error", "timeout", "invalid_header", "error non_idempotent") + "; "
	case 1:
		d.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		loc += "proxy_next_upstream " + strings.Join(words[:1+d.IntN(5)], " ") + "; "
	}
	loc += d.maybe(20, "proxy_next_upstream_tries "+d.one("1 2 3")+"; ") + d.maybe(10, "proxy_next_upstream_timeout "+d.one("200ms 500ms")+"; ")
	loc += d.maybe(20, "proxy_intercept_errors on; ") + d.maybe(20, "proxy_buffering off; ")
	loc += "proxy_pass http://app; }"
	conf := []string{group}
	switch d.IntN(4) {
	case 0:
		conf = append(conf, "error_page "+d.one("502 504 404 500")+" "+d.one("503 403 401 429")+d.pick(" ", " =200 ", " = ", " =418 ")+"/err;", `location /err { `+
			d.pick(`return 200 "page $status";`, "proxy_pass http://app;", "internal; return 503 \"own\";", `return 302 /elsewhere;`)+" }")
	case 1:
		conf = append(conf, "upstream other { server @d; server @e; }",
			"error_page "+d.one("502 504 404 500")+" "+d.one("503 403 401 429")+d.pick(" ", " =200 ", " = ")+"@other;", "location @other { proxy_pass http://other; }")
	}
	return append(conf, loc)
}

func (d dice) locations() []string {
	paths := strings.Fields("/ /a /a/ /a/b /a/b/ /app/ /app /x.jsp /a%20b/ /A/ /a/b/c/")
	act := func(pattern bool) string {
		uri := ""
		if !pattern {
			uri = d.pick("", "", "/", "/n", "/n/", "/n?x=1")
		}
		switch d.IntN(9) {
		case 0:
			return fmt.Sprintf(`return 200 "r%d $uri $args $request_uri";`, d.IntN(100))
		case 1:
			return "return " + d.pick("301 /m$uri", "302 http://o.test$request_uri", "404", `403 "no"`, "204", "https://x.test/", "307 rel/x", `200`, `301 /a?$args`, "503") + ";"
		case 2:
			return "internal; proxy_pass http://app" + uri + ";"
		case 3:
			return "set $g app; proxy_pass http://$g" + d.pick("", "/fix", "$uri", "$request_uri", "$uri$is_args$args", "?y=1") + ";"
		case 4:
			return `set $v "$uri-$arg_q"; set $w "${v}x"; return 200 "$w";`
		}
		return "proxy_pass http://app" + uri + ";"
	}
	var conf []string
	seen := map[string]bool{}
	for range 3 + d.IntN(5) {
		kind := d.pick("", "", "", "", "= ", "^~ ", "~ ", "~* ")
		path := paths[d.IntN(len(paths))]
		pattern := strings.HasPrefix(kind, "~")
		if pattern {
			path = d.pick(`\.jsp$`, `^/a/(.*)$`, `^/a/b`, `\.JSP$`, `/b/?$`, `^/(\w+)/`, "b")
		}
		if seen[kind+path] && d.IntN(10) > 0 {
			continue
		}
		seen[kind+path] = true
		inner := ""
		if kind != "= " && d.IntN(4) == 0 {
			inner = " location " + d.pick("~ "+`\.jsp$`, "~ /b", path+"b/", path+"in", "= "+path+"b") + " { " + act(true) + " }"
			if pattern {
				inner = " location ~ " + d.pick(`\.jsp$`, "c") + " { " + act(true) + " }"
			}
		}
		conf = append(conf, "location "+kind+path+" { "+act(pattern)+inner+" }")
	}
	return append(conf, d.maybe(15, "merge_slashes off;")+d.maybe(15, "absolute_redirect off;")+d.maybe(15, "port_in_redirect off;")+" root www;")
}

func (d dice) target() string {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		b.WriteString(d.pick("/a", "/b", "/app", "/x.jsp", "/", "/a%20b", "/..", "/.", "/%61", "/A", "/c", "/a%2fb", "/;s=1", "/x.JSP", "/%2e%2e", "/b%3Fc", "/a%25", "/b+c", "/ä"))
	}
	b.WriteString(d.maybe(25, "/"))
	b.WriteString(d.pick("", "", "", "", "?q=1", "?q=a%20b&r=2", "?", "#f", "?q=/../x"))
	return b.String()
}

func (d dice) headers() []string {
	line := func() string {
		return d.pick("proxy_set_header X-A $host;", "proxy_set_header Host $http_host;", "proxy_set_header X-Real-IP $remote_addr;",
			"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;", `proxy_set_header X-B "";`, "proxy_set_header X-C $arg_q$cookie_s;",
			`proxy_set_header Cookie "$http_cookie; extra=1";`, "proxy_set_header X-Port $server_port;", "proxy_set_header Accept $http_x_b;",
			"proxy_hide_header X-Node;", "proxy_pass_header Server;", "add_header X-Add $upstream_status;", "add_header X-Add $request_uri always;",
			"add_header X-Two $sent_http_content_type;", "proxy_cookie_path /app /;", "proxy_cookie_path ~^/(\\w+) /x/$1;", "proxy_cookie_domain node.test $host;",
			"proxy_cookie_domain ~(\\w+)\\.test$ $1.org;", "proxy_cookie_flags ~ secure httponly;", "proxy_cookie_flags s nosecure samesite=lax;",
			"proxy_cookie_flags JSESSIONID nohttponly samesite=strict;", "proxy_redirect off;", "proxy_redirect http://app/ /p/;", "proxy_redirect ~^http://([^/]+)/(.*)$ /r/$1/$2;",
			"proxy_redirect http://$proxy_host/ http://pub.test/;", "proxy_redirect / /q/;", "proxy_http_version 1.1;", "proxy_intercept_errors on;", "underscores_in_headers on;",
			"client_max_body_size 2;", "proxy_set_header Content-Type text/x;", "add_header Set-Cookie own=1;", "add_header Location /own;", "proxy_ignore_headers Set-Cookie;",
			"proxy_method GET;", "proxy_pass_request_body off; proxy_set_header Content-Length '';", "proxy_set_body \"b$arg_q\";", "add_header_inherit merge;")
	}
	once := map[string]bool{}
	block := func(n int, server bool) string {
		out := ""
		for range n {
			l := line()
			name := strings.Fields(l)[0]
			if once[name] && !strings.HasPrefix(name, "proxy_set_header") && !strings.HasPrefix(name, "add_") && !strings.HasPrefix(name, "proxy_cookie") {
				continue
			}
			if name == "underscores_in_headers" && !server || name == "add_header_inherit" {
				continue
			}
			once[name] = true
			out += l + " "
		}
		clear(once)
		return out
	}
	return []string{
		"root www; " + block(d.IntN(4), true),
		"error_page 404 = /err; error_page 500 /err; location = /err { return 200 \"err\"; }",
		"location / { proxy_pass http://app" + d.pick("", "/", "/app/") + "; " + block(d.IntN(6), false) + "}",
		"location /one { proxy_pass http://app" + d.pick("", "/", "/app") + "; " + block(d.IntN(6), false) + "}",
		"location /app/ { proxy_pass http://app; " + block(d.IntN(3), false) + "}",
	}
}

func (d dice) sent() string {
	out := ""
	for range d.IntN(4) {
		out += " " + d.pick("X-A=1", "X-B=2", "Cookie=\"s=1; t=2\"", "Cookie=JSESSIONID=x.a", "X-Forwarded-For=10.0.0.1", "Accept=text/html", "X_Under=1", "Te=trailers",
			"Upgrade=websocket", "Keep-Alive=5", "If-Modified-Since=\"Mon, 01 Jan 2024 00:00:00 GMT\"", "If-None-Match=\"\\\"x\\\"\"", "Range=bytes=0-1", "Authorization=\"Basic dTpw\"", "Content-Type=a/b",
			"Expect=100-continue", "Proxy-Connection=close", "Referer=x", "X-Forwarded-For=10.0.0.2", "Via=1.1", "Origin=http://x", "If-Range=x", "Accept-Encoding=gzip")
	}
	return out
}

func (d dice) answer() string {
	out := d.pick("ok", "ok", "404", "500", "302", "301", "201", "401", "204", "304", "303")
	for range d.IntN(5) {
		out += " " + d.pick("Set-Cookie=\"JSESSIONID=1.a; Path=/app; HttpOnly\"", "Set-Cookie=\"s=1; Domain=node.test; secure; samesite=None\"", "Set-Cookie=t=1", "Set-Cookie=\"u=1;path=/app/x;Domain=.Node.TEST\"",
			"Location=http://app/x", "Location=/app/x?y=1", "Location=http://o.test/", "Location=rel", "X-Node=1", "Server=Tomcat", "Refresh=\"3; url=http://app/r\"", "Cache-Control=no-cache",
			"X-Accel-Expires=1", "X-Pad=1", "Content-Type=text/html", "Www-Authenticate=\"Basic realm=\\\"n\\\"\"", "Vary=Cookie", "Set-Cookie=\"v; path=/app\"", "Set-Cookie=\"JSESSIONID=2\"", "Etag=\"\\\"e\\\"\"", "Allow=GET", "Location=https://app/s", "Location=//app/x")
	}
	return out
}

// pages are groups whose errors have pages, of several kinds.
func (d dice) pages() []string {
	page := func() string {
		return "error_page " + d.pick("404", "500 502 503 504", "403", "502", "401", "503", "404 403", "413", "405", "400", "302") + d.pick(" ", " ", " = ", " =200 ", " =503 ", " =302 ", " =204 ") +
			d.pick("/e/1", "/e/2?y=1", "@n", "@m", "/f.txt", "/none", "http://err.test/$status", "/i.html", "@none", "/e/$status", "/a") + "; "
	}
	pages := func() string {
		out := ""
		for range d.IntN(3) {
			out += page()
		}
		return out
	}
	extra := func() string {
		return pages() + d.maybe(40, "proxy_intercept_errors on; ") + d.maybe(20, "add_header X-P $status always; ") + d.maybe(15, "add_header X-Q 1; ") +
			d.maybe(20, "proxy_next_upstream error http_404 http_500 http_503; ") + d.maybe(10, "client_max_body_size 2; ") + d.maybe(10, "recursive_error_pages on; ")
	}
	return []string{
		"file: www/f.txt=text", "file: www/i.html=page", "file: www/d/x=x",
		"upstream one { server @a" + d.maybe(40, " max_fails=0") + "; }", "upstream two { server @a; server @b; }",
		"root www; " + extra(),
		"location / { proxy_pass http://one; " + extra() + "}",
		"location /a { proxy_pass http://two" + d.pick("", "/z", "/") + "; " + extra() + "}",
		"location /r { " + extra() + "return " + d.pick("404", "503 \"t $status\"", "403", "500", "200 \"r\"", "302 /q", "401", "405", "204", "301 http://x/") + "; }",
		"location /e/ { " + extra() + d.pick("return 200 \"e $uri $args $status\";", "proxy_pass http://one;", "internal; return 404;", "return 500;", "internal; proxy_pass http://two/err;") + " }",
		"location @n { " + extra() + d.pick("return 200 \"n $uri\";", "proxy_pass http://two;", "return 503;", "proxy_pass http://one;") + " }",
		"location @m { " + extra() + "proxy_pass http://two; proxy_set_header X-M $uri; }",
		"location ~ \\.(txt|html)$ { " + extra() + " }",
		"location /i { internal; " + extra() + "proxy_pass http://one; }",
	}
}

// clients are settings of clients' connections.
func (d dice) clients() []string {
	return []string{
		d.maybe(40, "keepalive_requests "+d.one("1 2 3 0")+"; ") + d.maybe(40, "keepalive_timeout "+d.one("1s 0 500ms 2s")+"; ") + "client_max_body_size 5; root www; ",
		"location / { proxy_pass http://app; " + d.maybe(30, "proxy_http_version 1.1; ") + d.maybe(30, "proxy_buffering off; ") + "}",
		"location /r { return " + d.pick("200 text", "204", "404", "301 /x", "400", "500", "200", "444") + "; }",
		"location /e { " + d.maybe(50, "keepalive_timeout 0; ") + "return 200 e; }",
		"location /off { " + d.maybe(50, "client_max_body_size 1; ") + d.maybe(20, "keepalive_requests 0; ") + "proxy_pass http://app; }",
	}
}

func (d dice) names() []string {
	var conf []string
	conf = append(conf, "map $host $m { "+d.maybe(50, "hostnames; ")+d.maybe(70, "default d; ")+d.maybe(50, "shop.test s; ")+d.maybe(50, "*.test st; ")+
		d.maybe(50, ".org o; ")+d.maybe(50, "www.* w; ")+d.maybe(50, `~^(\w+)\.shop p$1; `)+d.maybe(30, `~*SHOP P; `)+d.maybe(30, `"" e; `)+"}")
	conf = append(conf, "map $cookie_s$uri $k { "+d.maybe(70, "default d; ")+d.maybe(50, `~^1 one; `)+d.maybe(50, `~*JSP$ jsp; `)+d.maybe(50, "/a a; ")+d.maybe(50, "2/a b$m; ")+d.maybe(30, `~(?<u>/b.*)$ u$u; `)+"}")
	for i := range 2 + d.IntN(4) {
		names := ""
		for range 1 + d.IntN(2) {
			names += " " + d.pick("shop.test", "*.test", "www.*", ".org", "*.shop.test", `~^(?<sub>\w+)\.shop`, `~\.net$`, "a.b.c", `""`, "www.shop.*", "*.org", "b.org", "SHOP.net", "_")
		}
		conf = append(conf, fmt.Sprintf(`server { listen F%s; server_name%s; return 200 "%d $server_name $host [$m] [$k] $cookie_s $http_host"; }`,
			d.maybe(15, " default_server"), names, i))
	}
	return conf
}

func (d dice) host() string {
	return d.pick("shop.test", "www.shop.test", "x.test", "b.org", "www.x.net", "a.b.c", "SHOP.TEST", "x.shop.net", "shop.net:8080", "org", "www.shop.org.", "y.b.org", "nobody", "127.77.1.1", "_", "a.shop", "www.shop.test:80")
}

func (d dice) cookies() string {
	return d.pick("s=1", "s=2", "S=1", "a=b; s=2", "t=1;s=1", "s=", "s=1; s=2", "xs=1", "s =1", "s=\\\"1\\\"", ";s=2", "s=1,s=2", "a=b,s=2")
}
