package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// paths answers every location with its own text.
func paths(locations ...string) Config {
	var all []Location
	for _, l := range locations {
		modifier, path, found := strings.Cut(l, " ")
		if !found {
			modifier, path = "", l
		}
		all = append(all, Location{Modifier: modifier, Path: path, Return: &Return{Status: 200, Text: strings.ReplaceAll(l, "$", "+")}})
	}
	return Config{Servers: []Server{{Listen: []int{8080}, Locations: all}}}
}

func TestLocationChoice(t *testing.T) {
	config := paths("= /", "/", "/documents/", "^~ /images/", `~* \.(gif|jpg|jpeg)$`, `~* (\.jsp|do)$`, `~ \.JSP$`, "= /exact.jsp")
	run(t, config, func(l *lab) {
		for _, c := range []struct{ target, want string }{
			{"/", "= /"},
			{"/index.html", "/"},
			{"/documents/document.html", "/documents/"},
			{"/images/1.gif", "^~ /images/"},
			{"/documents/1.jpg", `~* \.(gif|jpg|jpeg)+`},
			{"/documents/1.JPG", `~* \.(gif|jpg|jpeg)+`},
			{"/index.jsp", `~* (\.jsp|do)+`},
			{"/INDEX.JSP", `~* (\.jsp|do)+`}, // file order
			{"/undo", `~* (\.jsp|do)+`},
			{"/index.jsp;jsessionid=AA.tomcat1", "/"},
			{"/index.jsp?a=/images/", `~* (\.jsp|do)+`},
			{"/exact.jsp", "= /exact.jsp"},
			{"//documents/./x/../y", "/documents/"},
			{"/%69mages/1.gif", "^~ /images/"},
		} {
			l.want(c.target, l.get(c.target, 1), c.want)
		}
		l.want("above the root", l.get("/../etc", 1), "400")
	})
}

func TestNoLocationServesFiles(t *testing.T) {
	run(t, paths("/app/"), func(l *lab) {
		l.want("missing file", l.get("/other", 1), "404")
		r := l.send("GET", "/", "")
		l.want("index", []any{r.status, r.header.Get("Content-Type"), strings.Contains(r.body, "Welcome to nginx!")},
			[]any{200, "text/html", true})
		l.want("POST to a file", l.send("POST", "/50x.html", "").status, 405)
		l.want("POST to a missing file", l.send("POST", "/other", "").status, 404)
		l.want("PUT to a missing file", l.send("PUT", "/other", "").status, 405)
	})
}

func TestFilesAreSentToThoseWhoHaveThemNot(t *testing.T) {
	config := pool(t, "a")
	config.Files = map[string]string{"html/50x.html": page50x}
	config.ErrorPages = []ErrorPage{{Statuses: []int{502}, URI: "/50x.html"}, {Statuses: []int{404}, URI: "/50x.html", Replace: ReplaceBy, Status: 200}}
	config.Servers[0].Locations = append(config.Servers[0].Locations, Location{Modifier: "=", Path: "/50x.html"},
		Location{Modifier: "=", Path: "/missing", Return: &Return{Status: 404}})
	run(t, config, func(l *lab) {
		first := l.send("GET", "/50x.html", "")
		tag, date := first.header.Get("Etag"), first.header.Get("Last-Modified")
		l.want("tag and date", tag+" "+date, `"6955b900-36" Thu, 01 Jan 2026 00:00:00 GMT`)
		l.kill("a")
		for _, c := range []struct{ target, header, want string }{
			{"/50x.html", "If-None-Match: " + tag, "304 0 " + tag + date},
			{"/50x.html", `If-None-Match: "x", W/` + tag, "304 0 " + tag + date},
			{"/50x.html", `If-None-Match: "x"`, "200 54 " + tag + date},
			{"/50x.html", "If-Modified-Since: " + date, "304 0 " + tag + date},
			{"/50x.html", "If-Modified-Since: Thu, 01 Jan 2026 00:00:01 GMT", "200 54 " + tag + date},
			{"/missing", "If-None-Match: *", "304 0 " + tag + date},
			{"/", "If-None-Match: " + tag, "502 54 " + tag}, // an error's page is always sent
		} {
			r := l.send("GET", c.target, "", c.header)
			l.want(c.target+" with "+c.header, fmt.Sprint(r.status, " ", len(r.body), " ", r.header.Get("Etag"), r.header.Get("Last-Modified")), c.want)
		}
	})
}

func TestPathWithoutTheFinalSlashIsRedirected(t *testing.T) {
	config := Config{Servers: []Server{{Listen: []int{8080}, Locations: []Location{
		{Path: "/app/", ProxyPass: "http://" + addr("a")},
		{Path: "/hidden/", ProxyPass: "http://" + addr("a"), Internal: true},
		{Modifier: "~", Path: "app", Return: &Return{Status: 200, Text: "pattern"}},
	}}}}
	run(t, config, func(l *lab) {
		r := l.send("GET", "/app?x=1", "")
		l.want("status", r.status, 301)
		l.want("Location", r.header.Get("Location"), "http://www.test.com:8080/app/?x=1")
		l.want("longer path", l.get("/app/x", 1), "pattern")
		l.want("internal location", l.get("/hidden", 1), "404")
	})
}

func TestServerByName(t *testing.T) {
	named := func(text string, names ...string) Server {
		return Server{Listen: []int{8080}, Names: names, Return: &Return{Status: 200, Text: text}}
	}
	config := Config{Servers: []Server{
		named("first"), named("exact", "www.test.com"), named("leading", "*.test.com"), named("trailing", "www.*"),
		named("dot $server_name $host", ".dot.org"),
	}}
	run(t, config, func(l *lab) {
		for host, want := range map[string]string{
			"www.test.com:8080": "exact", "WWW.Test.com": "exact", "a.b.test.com": "leading",
			"www.other.org": "trailing", "other.org": "first", "10.0.0.1": "first",
			"dot.org": "dot dot.org dot.org", "a.Dot.org.:80": "dot dot.org a.dot.org", "b.dot.org:1:2": "dot dot.org b.dot.org",
			"[::1]:8080": "first",
		} {
			l.want(host, l.get("/", 1, "Host: "+host), want)
		}
	})
}

func TestProxyPassURI(t *testing.T) {
	backend := "http://" + addr("a")
	config := Config{Servers: []Server{{Listen: []int{8080}, Locations: []Location{
		{Path: "/", ProxyPass: backend},
		{Path: "/one/", ProxyPass: backend + "/two/"},
		{Path: "/name", ProxyPass: backend + "/other"},
	}}}}
	run(t, config, func(l *lab) {
		for _, c := range []struct{ target, want string }{
			{"/a//b%20c/../d?x=%31", "/a//b%20c/../d?x=%31"}, // undecoded
			{"//double", "//double"},
			{"/one/x%20y?q=1", "/two/x%20y?q=1"},
			{"/one//./z", "/two/z"},
			{"/names", "/others"},
			{"/a?", "/a?"},
		} {
			l.get(c.target, 1)
			seen := l.nodes["a"].seen
			l.want("target of "+c.target, seen[len(seen)-1].RequestURI, c.want)
		}
	})
}

func TestDefaultServerOfAPort(t *testing.T) {
	answer := func(text string) *Return { return &Return{Status: 200, Text: text} }
	config := Config{Servers: []Server{
		{Listen: []int{8080}, Names: []string{"first.org"}, Return: answer("first")},
		{Listen: []int{8080}, Default: []int{8080}, Names: []string{"second.org"}, Return: answer("default")},
	}}
	run(t, config, func(l *lab) {
		l.want("unknown name", l.get("/", 1, "Host: nobody.org"), "default")
		l.want("known name", l.get("/", 1, "Host: first.org"), "first")
	})
}

func TestProxyPassWhoseSchemeIsAVariable(t *testing.T) {
	config := pool(t, "a")
	config.Servers[0].Locations = []Location{{Path: "/", ProxyPass: "$arg_s://jspserver"}}
	run(t, config, func(l *lab) {
		l.want("http", l.get("/?s=http", 1), "a")
		l.want("HTTP", l.get("/?s=HTTP", 1), "a")
		l.want("no scheme that is known", l.get("/?s=ftp", 1), "500")
	})
}

func TestOfTwoNamedLocationsTheFirstCounts(t *testing.T) {
	config := pool(t, "a")
	config.Servers[0].Locations = []Location{
		{Path: "/", Return: &Return{Status: 404}, Settings: Settings{
			ErrorPages: []ErrorPage{{Statuses: []int{404}, Replace: FromLocation, URI: "@late"}}}},
		{Modifier: "@", Path: "late", Return: &Return{Status: 200, Text: "first"}},
		{Modifier: "@", Path: "late", Return: &Return{Status: 200, Text: "second"}},
	}
	run(t, config, func(l *lab) { l.want("page", l.get("/", 1), "first") })
}

func TestProxyPassToAMap(t *testing.T) {
	// The older way to be sticky: a group for each node with the others as backups.
	config := Config{
		Maps: []Map{{Source: "$cookie_jsessionid", Variable: "$group", Default: "all",
			Entries: []MapEntry{{`~*\.tomcat1$`, "one"}, {`~\.tomcat2$`, "two"}, {"exact", "$http_x_group"}}}},
		Upstreams: []Upstream{
			{Name: "all", Servers: servers(t, "a", "b")},
			{Name: "one", Servers: servers(t, "a", "b backup")},
			{Name: "two", Servers: servers(t, "b", "a backup")},
		},
		Servers: []Server{{Listen: []int{8080}, Locations: []Location{{Path: "/", ProxyPass: "http://$group"}}}},
	}
	run(t, config, func(l *lab) {
		l.want("without a cookie", l.get("/", 2), "a b")
		l.want("tomcat1", l.get("/", 3, "Cookie: other=1; JSESSIONID=AA.TOMCAT1"), "a a a")
		l.want("tomcat2", l.get("/", 3, "Cookie: JSESSIONID=AA.tomcat2"), "b b b")
		l.want("TOMCAT2 is another text", l.get("/", 2, "Cookie: JSESSIONID=AA.TOMCAT2"), "a b")
		l.want("address at run time", l.get("/", 1, "Cookie: JSESSIONID=Exact", "X-Group: "+addr("c")), "c")
		l.want("unknown name", l.get("/", 1, "Cookie: JSESSIONID=exact", "X-Group: nobody"), "502")
		l.want("Host", l.nodes["a"].seen[len(l.nodes["a"].seen)-2].Host, "one")
		l.kill("a")
		l.want("failover", l.get("/", 2, "Cookie: JSESSIONID=AA.tomcat1"), "b b")
	})
}

func TestNamedCaptureOfAMap(t *testing.T) {
	config := Config{
		Maps: []Map{{Source: "$cookie_jsessionid", Variable: "$node", Entries: []MapEntry{{`~.+\.(?P<route>\w+)$`, "$route"}, {`~^(\w)`, "first $1"}}}},
		Servers: []Server{{Listen: []int{8080}, Locations: []Location{
			{Path: "/", Return: &Return{Status: 200, Text: "[$node]"}}}}},
	}
	run(t, config, func(l *lab) {
		l.want("route", l.get("/", 1, "Cookie: JSESSIONID=AA.x.tomcat1"), "[tomcat1]")
		l.want("capture", l.get("/", 1, "Cookie: JSESSIONID=zyx"), "[first z]")
		l.want("default", l.get("/", 1), "[]")
	})
}

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		text, target, want string
		header             []string
	}{
		{"$uri|$request_uri|$args|$is_args", "/a%20b?c=d", "/a b|/a%20b?c=d|c=d|?", nil},
		{"$host $http_host $server_port", "/", "www.test.com www.test.com:8080 8080", nil},
		{"$remote_addr ${remote_addr}x", "/", "10.0.1.7 10.0.1.7x", nil},
		{"$arg_Name-$arg_b", "/?name=1&b=2&NAME=3", "1-2", nil},
		{"$cookie_Jsessionid", "/", "2", []string{"Cookie: XJSESSIONID=1; JSESSIONID=2; jsessionid=3"}},
		{"$proxy_add_x_forwarded_for", "/", "10.0.1.7", nil},
		{"$proxy_add_x_forwarded_for", "/", "1.2.3.4, 10.0.1.7", []string{"X-Forwarded-For: 1.2.3.4"}},
		{"$http_x_thing", "/", "one", []string{"X-Thing: one", "X-Thing: two"}},
		{"$request_method $scheme $server_protocol", "/", "GET http HTTP/1.1", nil},
		{"$route", "/index.jsp;jsessionid=AA.b?x", "b", []string{"Cookie: JSESSIONID=CC.a"}},
		{"$route", "/", "a", []string{"Cookie: JSESSIONID=CC.a"}},
		{"$nginx_version $hostname", "/", "1.22.1 front", nil},
		{"$binary_remote_addr", "/", "\x0a\x00\x01\x07", nil},
		{"$remote_user", "/", "alice", []string{"Authorization: Basic YWxpY2U6c2VjcmV0"}},
		{"$remote_user|$https", "/", "|", nil},
	} {
		config := Config{
			RouteOf: func(id string) string { _, route, _ := strings.Cut(id, "."); return route },
			Servers: []Server{{Listen: []int{8080}, Locations: []Location{{Path: "/", Return: &Return{Status: 200, Text: c.text}}}}},
		}
		run(t, config, func(l *lab) {
			l.want(c.text+" of "+c.target, l.get(c.target, 1, c.header...), c.want)
		})
	}
}

func TestVariablesOfTime(t *testing.T) {
	config := Config{Servers: []Server{{Listen: []int{8080}, Return: &Return{Status: 200, Text: "$time_iso8601|$time_local|$msec"}}}}
	run(t, config, func(l *lab) {
		l.user.Sleep(l.ctx, 90*time.Second+250*time.Millisecond)
		now := l.user.Now()
		got := l.get("/", 1)
		l.want("times", got, now.Format("2006-01-02T15:04:05-07:00")+"|"+now.Format("02/Jan/2006:15:04:05 +0000")+
			fmt.Sprintf("|%d.250", now.Unix()))
	})
}

func TestRequestIDIsOneForEachRequest(t *testing.T) {
	config := pool(t, "a", "b")
	config.SetHeaders = []Header{{Name: "X-Request-Id", Value: "$request_id"}}
	config.AddHeaders = []Header{{Name: "X-Sent", Value: "$request_id"}}
	run(t, config, func(l *lab) {
		first := l.send("GET", "/", "").header.Get("X-Sent")
		second := l.send("GET", "/", "").header.Get("X-Sent")
		l.want("the node got the client's", l.nodes["a"].last().Header.Get("X-Request-Id"), first)
		if len(first) != 32 || first == second {
			t.Errorf("ids %q and %q, want two different ones of 32 digits", first, second)
		}
	})
}
