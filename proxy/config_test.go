package proxy

import (
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/proxy/upstream"
)

func TestConfigurationErrors(t *testing.T) {
	backup := servers(t, "a", "b backup")
	for _, c := range []struct {
		what   string
		change func(*Config)
		want   string
	}{
		{"no servers", func(c *Config) { c.Upstreams[0].Servers = nil }, `no servers in upstream "jspserver"`},
		{"only backups", func(c *Config) { c.Upstreams[0].Servers = servers(t, "a backup") }, `no servers in upstream "jspserver"`},
		{"duplicate", func(c *Config) {
			c.Upstreams = append(c.Upstreams, Upstream{Name: "JSPSERVER", Servers: servers(t, "a"), Pos: "nginx.conf:7"})
		}, `duplicate upstream "JSPSERVER" in nginx.conf:7`},
		{"backup with ip_hash", func(c *Config) {
			c.Upstreams[0].Servers, c.Upstreams[0].Method = backup, upstream.IPHash
		}, `balancing method does not support parameter "backup"`},
		{"backup before ip_hash", func(c *Config) {
			c.Upstreams[0].Servers, c.Upstreams[0].Method, c.Upstreams[0].BeforeMethod = backup, upstream.IPHash, 2
		}, ""},
		{"unknown host", func(c *Config) { c.Upstreams[0].Servers = []upstream.Server{upstream.NewServer("tomcat1:8080")} },
			`host not found in upstream "tomcat1:8080"`},
		{"known host", func(c *Config) {
			c.Upstreams[0].Servers = []upstream.Server{upstream.NewServer("tomcat1:8080")}
			c.Resolve = func(string) []string { return []string{"10.0.0.1", "10.0.0.2"} }
		}, ""},
		{"port", func(c *Config) { c.Upstreams[0].Servers = []upstream.Server{upstream.NewServer("10.0.0.1:99999")} },
			`invalid port in upstream "10.0.0.1:99999"`},
		{"sticky in 1.22", func(c *Config) { c.Upstreams[0].Sticky.Cookie = "x" }, `unknown directive "sticky"`},
		{"drain in 1.22", func(c *Config) { c.Upstreams[0].Servers = servers(t, "a drain") }, `invalid parameter "drain"`},
		{"route in 1.22", func(c *Config) { c.Upstreams[0].Servers = servers(t, "a route=x") }, `invalid parameter "route=x"`},
		{"URI part in a regex", func(c *Config) {
			c.Servers[0].Locations[0] = Location{Modifier: "~", Path: "x", ProxyPass: "http://jspserver/y", Pos: "nginx.conf:20"}
		}, errNoURI.Error() + " in nginx.conf:20"},
		{"scheme", func(c *Config) { c.Servers[0].Locations[0].ProxyPass = "jspserver" }, "invalid URL prefix"},
		{"unknown upstream", func(c *Config) { c.Servers[0].Locations[0].ProxyPass = "http://nobody" }, `host not found in upstream "nobody"`},
		{"unknown variable", func(c *Config) { c.SetHeaders = []Header{{Name: "X", Value: "$nothing"}} }, `unknown "nothing" variable`},
		{"unclosed variable", func(c *Config) { c.SetHeaders = []Header{{Name: "X", Value: "${host"}} },
			`the closing bracket in "host" variable is missing`},
		{"$0 is no capture", func(c *Config) { c.SetHeaders = []Header{{Name: "X", Value: "$0"}} }, `unknown "0" variable`},
		{"map of a variable of nginx's own", func(c *Config) {
			c.Maps = []Map{{Source: "$args", Variable: "$uri", Pos: "nginx.conf:9"}}
		}, `the duplicate "uri" variable in nginx.conf:9`},
		{"map of a variable that may change", func(c *Config) { c.Maps = []Map{{Source: "$uri", Variable: "$args"}} }, ""},
		{"capture named like a variable", func(c *Config) {
			c.Servers[0].Pos = "nginx.conf:3"
			c.Servers[0].Locations[0] = Location{Modifier: "~", Path: "(?P<host>x)", Pos: "nginx.conf:20"}
		}, `the duplicate "host" variable in nginx.conf:20`},
		{"one buffer", func(c *Config) { c.Buffers = Buffers{1, 4096} }, `there must be at least 2 "proxy_buffers"`},
		{"buffer of the head larger than the others allow", func(c *Config) { c.Servers[0].Pos, c.BufferSize = "nginx.conf:3", 16<<10 },
			`"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer in nginx.conf:3`},
		{"buffers that suffice", func(c *Config) { c.BufferSize, c.Buffers = 16<<10, Buffers{4, 16 << 10} }, ""},
		{"busy buffers less than one", func(c *Config) { c.BusySize = 1 }, `"proxy_busy_buffers_size" must be equal to or greater than ` +
			`the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`},
		{"next upstream", func(c *Config) { c.NextUpstream = []string{"http_501"} }, `invalid value "http_501"`},
		{"duplicate location", func(c *Config) { c.Servers[0].Locations = append(c.Servers[0].Locations, Location{Path: "/"}) },
			`duplicate location "/"`},
		{"error_page", func(c *Config) { c.ErrorPages = []ErrorPage{{Statuses: []int{200}, URI: "/x"}} },
			`value "200" must be between 300 and 599`},
		{"release", func(c *Config) { c.Release = "1.18" }, `unknown nginx release "1.18": 1.22 to 1.31 are known`},
		{"nothing wrong", func(*Config) {}, ""},
	} {
		config := pool(t, "a", "b")
		c.change(&config)
		w := sim.New(sim.Config{Seed: 1})
		_, err := New(w.Operator(), config)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: error = %q, want %q", c.what, got, c.want)
		}
		w.Close()
	}
}

func TestANameWithSeveralAddressesIsSeveralServers(t *testing.T) {
	config := pool(t)
	s := upstream.NewServer("tomcat:8080")
	s.Weight = 2
	config.Upstreams[0].Servers = []upstream.Server{s}
	config.Resolve = func(string) []string { return []string{nodeAddr["a"], nodeAddr["b"]} }
	run(t, config, func(l *lab) {
		l.want("nodes", l.get("/", 4), "a b a b")
		l.want("servers", len(l.front.Status()[0].Servers), 2)
	})
}
