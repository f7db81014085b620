package proxy

import (
	"fmt"
	"net/http"
	"testing"
)

func TestErrorPages(t *testing.T) {
	for _, c := range []struct {
		what   string
		page   ErrorPage
		status int
		body   string
	}{
		{"status kept", ErrorPage{URI: "/50x.html"}, 502, page50x},
		{"status replaced", ErrorPage{URI: "/50x.html", Replace: ReplaceBy, Status: 200}, 200, page50x},
		{"status of the page", ErrorPage{URI: "/50x.html", Replace: FromLocation}, 200, page50x},
		{"named location, status kept", ErrorPage{URI: "@spare"}, 502, "b"},
		{"named location, its status", ErrorPage{URI: "@spare", Replace: FromLocation}, 200, "b"},
		{"URI with arguments", ErrorPage{URI: "/sorry?was=$status", Replace: FromLocation}, 200, "sorry was=000 GET"},
		{"page that is missing", ErrorPage{URI: "/missing.html"}, 404, ""},
		{"named location that is missing", ErrorPage{URI: "@missing"}, 500, ""},
		{"another site", ErrorPage{URI: "http://www.other.org/"}, 302, ""},
	} {
		c.page.Statuses = []int{502}
		config := pool(t, "a")
		config.Files = map[string]string{"html/50x.html": page50x}
		config.ErrorPages = []ErrorPage{c.page}
		config.Servers[0].Locations = append(config.Servers[0].Locations,
			Location{Modifier: "=", Path: "/50x.html", Internal: true},
			Location{Modifier: "=", Path: "/missing.html"},
			Location{Modifier: "=", Path: "/sorry", Return: &Return{Status: 200, Text: "sorry $args GET"},
				Settings: Settings{AddHeaders: []Header{{Name: "X-Method", Value: "$request_method"}}}},
			Location{Modifier: "@", Path: "spare", ProxyPass: "http://" + addr("b")})
		run(t, config, func(l *lab) {
			l.kill("a")
			r := l.send("POST", "/x/y?z", "")
			l.want(c.what+": status", r.status, c.status)
			if c.body != "" {
				l.want(c.what+": body", r.body, c.body)
			}
			switch c.page.URI {
			case "@spare":
				got := l.nodes["b"].last()
				l.want("URI and method", got.Method+" "+got.RequestURI, "POST /x/y?z")
				l.wantTried("a : b", "502 : 200")
			case "/sorry?was=$status":
				l.want("method of the page", r.header.Get("X-Method"), "GET")
			case "http://www.other.org/":
				l.want("Location", r.header.Get("Location"), "http://www.other.org/")
			}
			l.want("internal location from outside", l.get("/50x.html", 1), "404")
		})
	}
}

func TestErrorsOfNodesAreInterceptedOnlyIfAsked(t *testing.T) {
	for _, c := range []struct {
		flag   Flag
		status int
		body   string
	}{{Inherit, 503, "a"}, {Off, 503, "a"}, {On, 503, page50x}} {
		config := withErrorPage(pool(t, "a"))
		config.InterceptErrors = c.flag
		run(t, config, func(l *lab) {
			l.answer("a", 503)
			r := l.send("GET", "/", "")
			l.want("answer", []any{r.status, r.body}, []any{c.status, c.body})
			l.answer("a", 501) // no page for it
			l.want("status without a page", l.get("/", 1), "501")
		})
	}
}

func TestErrorPagesAreInheritedOnlyAsAWhole(t *testing.T) {
	config := withErrorPage(pool(t, "a"))
	config.Servers[0].Locations[0].ErrorPages = []ErrorPage{{Statuses: []int{404}, URI: "/50x.html"}}
	run(t, config, func(l *lab) {
		l.kill("a")
		l.want("body", l.send("GET", "/", "").body, builtin502)
	})
}

func TestReturn(t *testing.T) {
	for _, c := range []struct {
		answer   Return
		status   int
		body     string
		location string
	}{
		{Return{200, "hello $arg_name"}, 200, "hello bob", ""},
		{Return{404, "nothing"}, 404, "nothing", ""},
		{Return{204, ""}, 204, "", ""},
		{Return{301, "/other"}, 301, "", "http://www.test.com:8080/other"},
		{Return{0, "http://x.org/"}, 302, "", "http://x.org/"},
	} {
		config := Config{Servers: []Server{{Listen: []int{8080}, Locations: []Location{{Path: "/", Return: &c.answer}}}}}
		run(t, config, func(l *lab) {
			r := l.send("GET", "/?name=bob", "")
			l.want("status", r.status, c.status)
			if c.location == "" {
				l.want("body", r.body, c.body)
			}
			l.want("Location", r.header.Get("Location"), c.location)
		})
	}
}

func TestReturnedTextIsOfTheKindThatThePathSays(t *testing.T) {
	run(t, paths("/"), func(l *lab) {
		for target, want := range map[string]string{
			"/x": "text/plain", "/50x.html": "text/html", "/a.b/logo.GIF": "image/gif", "/a.gif/x": "text/plain", "/.html": "text/plain",
		} {
			l.want("Content-Type of "+target, l.send("GET", target, "").header.Get("Content-Type"), want)
		}
	})
	config := Config{Servers: []Server{{Listen: []int{8080}, Return: &Return{Status: 204}}}}
	run(t, config, func(l *lab) {
		l.want("header of 204", len(l.send("GET", "/", "").header["Content-Type"]), 0)
	})
}

func TestErrorsThatEndTheConnectionDoSoWithAPage(t *testing.T) {
	page := Settings{ErrorPages: []ErrorPage{{Statuses: []int{500, 503}, URI: "/page"}}}
	run(t, Config{Settings: page, Servers: []Server{{Listen: []int{8080}, Locations: []Location{
		{Path: "/broken", Return: &Return{Status: 500}},
		{Path: "/busy", Return: &Return{Status: 503}},
		{Path: "/page", Return: &Return{Status: 200, Text: "sorry"}},
	}}}}, func(l *lab) {
		for target, want := range map[string]string{"/broken": "500 close sorry", "/busy": "503 keep-alive sorry"} {
			r := l.send("GET", target, "")
			l.want(target, fmt.Sprint(r.status, " ", r.header.Get("Connection"), " ", r.body), want)
		}
	})
}

func TestStatusInAReturnedText(t *testing.T) {
	run(t, Config{Servers: []Server{{Listen: []int{8080}, Locations: []Location{
		{Path: "/", Return: &Return{Status: 201, Text: "$status"}},
		{Path: "/gone", Return: &Return{Status: 410}, Settings: Settings{ErrorPages: []ErrorPage{{Statuses: []int{410}, URI: "/page"}}}},
		{Path: "/spare", Return: &Return{Status: 410}, Settings: Settings{
			ErrorPages: []ErrorPage{{Statuses: []int{410}, URI: "/page", Replace: FromLocation}}}},
		{Path: "/page", Return: &Return{Status: 200, Text: "$status"}},
	}}}}, func(l *lab) {
		for target, want := range map[string]string{"/": "201", "/gone": "410", "/spare": "200"} {
			l.want("$status at "+target, l.send("GET", target, "").body, want)
		}
	})
}

func TestStatusLines(t *testing.T) {
	config := pool(t, "a")
	config.Servers[0].Locations = append(config.Servers[0].Locations,
		Location{Path: "/moved", Return: &Return{Status: 302, Text: "/"}},
		Location{Path: "/odd", Return: &Return{Status: 299, Text: "x"}},
		Location{Path: "/busy", Return: &Return{Status: 503}})
	run(t, config, func(l *lab) {
		l.want("return 302", l.send("GET", "/moved", "").reason, "302 Moved Temporarily")
		l.want("return 299", l.send("GET", "/odd", "").reason, "299 ")
		l.want("return 503", l.send("GET", "/busy", "").reason, "503 Service Temporarily Unavailable")
		l.answer("a", 503)
		l.want("the node's own", l.send("GET", "/", "").reason, "503 Service Unavailable")
		l.kill("a")
		l.want("own 502", l.send("GET", "/", "").reason, "502 Bad Gateway")
	})
}

func TestReturn444ClosesTheConnection(t *testing.T) {
	config := Config{Servers: []Server{{Listen: []int{8080}, Return: &Return{Status: 444}}}}
	run(t, config, func(l *lab) {
		if r := l.send("GET", "/", ""); r.err == nil || r.status != 0 {
			t.Errorf("answer = %d, %v; want a closed connection", r.status, r.err)
		}
	})
}

func TestLoopOfErrorPagesEnds(t *testing.T) {
	config := Config{Servers: []Server{{Listen: []int{8080},
		Settings:  Settings{ErrorPages: []ErrorPage{{Statuses: []int{404}, URI: "/again"}}},
		Locations: []Location{{Path: "/", Return: &Return{Status: 404}}}}}}
	run(t, config, func(l *lab) {
		l.want("status", l.get("/", 1), "404")
	})
}

func TestPagesArePaddedForBrowsers(t *testing.T) {
	run(t, pool(t, "a"), func(l *lab) {
		l.kill("a")
		r := l.send("GET", "/", "", "User-Agent: Mozilla/5.0 Chrome/120")
		l.want("body", r.body, builtin502+padding)
		l.want("status", r.status, http.StatusBadGateway)
	})
}
