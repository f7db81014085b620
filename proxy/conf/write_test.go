package conf

import (
	"reflect"
	"testing"

	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

// bare is a configuration without what a text cannot hold.
func bare(c proxy.Config) proxy.Config {
	c.Resolve, c.RouteOf, c.Trace, c.Files, c.Variables, c.Skipped = nil, nil, nil, nil, nil, nil
	for i := range c.Maps {
		c.Maps[i].Pos = ""
	}
	for i := range c.Upstreams {
		c.Upstreams[i].Pos = ""
		for j := range c.Upstreams[i].Servers {
			c.Upstreams[i].Servers[j].Pos = ""
		}
	}
	for i := range c.Servers {
		c.Servers[i].Pos, c.Servers[i].Skipped = "", nil
		placeless(c.Servers[i].Locations)
	}
	return c
}

func placeless(locations []proxy.Location) {
	for i := range locations {
		locations[i].Pos, locations[i].Skipped = "", nil
		placeless(locations[i].Locations)
	}
}

// usual is the front of a lab in the release.
func usual(release string, binding proxy.Binding) proxy.Config {
	f := proxy.Front{Release: release, Binding: binding, Method: upstream.LeastConn}
	for _, addr := range []string{"172.16.12.101:8080", "172.16.12.102:8080"} {
		f.Servers = append(f.Servers, upstream.NewServer(addr))
	}
	f.Servers[1].Weight = 3
	return f.Config()
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	read := func(text, release string) proxy.Config {
		t.Helper()
		c, _, err := Read("c", []byte(text), Options{Release: release, Resolve: resolve})
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return bare(c)
	}
	for what, c := range map[string]proxy.Config{
		"plain":          usual("", proxy.Unbound),
		"map of routes":  usual("1.22", proxy.ByRoute),
		"sticky route":   usual("1.31", proxy.ByRoute),
		"a text's":       read(sticky, ""),
		"sticky learn":   read(up("sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=a:1m timeout=1h header;\nserver tomcat1 route=a;"), "1.31"),
		"sticky cookie":  read(up("server tomcat1;\nsticky cookie a expires=0 domain=$host samesite=Lax path=/ httponly;"), "1.31"),
		"for long":       read(up("server tomcat1;\nsticky cookie a expires=max;"), "1.31"),
		"backup, method": read(up("server tomcat1 down max_fails=0;\nserver tomcat2 backup;\nhash $uri consistent;\nkeepalive 4;"), ""),
		"words": read(in("map $uri $x {\n\"~^/a b\\\\n{2}\\.\" '\"q\"';\n}\nserver {\nlocation ~ \"^/a{2}\\.\" {\n"+
			"return 200 \"a\\n;\";\nadd_header A '' always;\n}}"), ""),
		"settings": read(loc("proxy_pass http://10.0.0.1/x;\nproxy_redirect default;\nproxy_redirect /a /b;\n"+
			"error_page 404 405 =200 /x;\nerror_page 502 = @y;\nproxy_intercept_errors off;\nproxy_read_timeout 1500ms;\n"+
			"proxy_next_upstream off;\nproxy_next_upstream_tries 0;\nclient_max_body_size 1m;\nproxy_hide_header A;\n"+
			"proxy_pass_header Date;\nproxy_buffering off;\nproxy_buffer_size 8k;\nproxy_buffers 4 16k;\nproxy_busy_buffers_size 32k;\nroot /srv;\nproxy_http_version 1.1;\nproxy_set_header Connection '';"), ""),
	} {
		text := Write(c)
		if got, want := read(text, c.Release), bare(c); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%s\nreads as %+v\nwant     %+v", what, text, got, want)
		}
	}
}
