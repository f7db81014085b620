package conf

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sticky is the older way of following a jvmRoute: a map from the session id's
// end to a group in which all other nodes are backups.
const sticky = `
worker_processes 1;
events { worker_connections 1024; }
http {
    map $cookie_jsessionid $node {
        default        tomcats;
        ~\.tomcat1$    only1;
        "~*\.TOMCAT2$" only2;
    }
    upstream tomcats { server tomcat1:8080; server tomcat2:8080; }
    upstream only1   { server tomcat1:8080; server tomcat2:8080 backup; }
    upstream only2   { server tomcat2:8080; server tomcat1:8080 backup; }
    server {
        listen 8080 default_server;
        server_name www.test.com;
        error_page 500 502 503 504 /50x.html;
        location = /50x.html { return 502 "nobody"; }
        location / {
            proxy_pass http://$node;
            proxy_set_header Host $host;
        }
    }
}
`

func TestAMapKeepsASessionOnItsNodeUntilItDies(t *testing.T) {
	config, found, err := Read("nginx.conf", []byte(sticky), Options{Resolve: resolve})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		if d.Kind != NoEffect {
			t.Errorf("unexpected diagnostic: %s", d)
		}
	}
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err = w.Run(func(ctx context.Context) error {
		for name, addr := range map[string]string{"tomcat1": "172.16.12.101", "tomcat2": "172.16.12.102"} {
			h, err := w.Boot(name, addr)
			if err != nil {
				return err
			}
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name, " ", r.Host) })
			if _, err := h.Serve(8080, page, world.ServeOptions{}); err != nil {
				return err
			}
		}
		host, err := w.Boot("front", "172.16.12.1")
		if err != nil {
			return err
		}
		front, err := proxy.New(host, config)
		if err != nil {
			return err
		}
		if err := front.Start(); err != nil {
			return err
		}
		user, err := w.Boot("user", "10.0.1.7")
		if err != nil {
			return err
		}
		get := func(cookie string) string {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://172.16.12.1:8080/", nil)
			if err != nil {
				return err.Error()
			}
			r.Host = "www.test.com"
			r.Header.Set("Cookie", "JSESSIONID="+cookie)
			resp, err := user.Transport().RoundTrip(r)
			if err != nil {
				return err.Error()
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err.Error()
			}
			return string(body)
		}
		for _, step := range []struct{ kill, cookie, want string }{
			{"", "A.tomcat1", "tomcat1 www.test.com"},
			{"", "A.tomcat1", "tomcat1 www.test.com"},
			{"", "B.tomcat2", "tomcat2 www.test.com"},
			{"", "B.tomcat2", "tomcat2 www.test.com"},
			{"tomcat1", "A.tomcat1", "tomcat2 www.test.com"},
			{"tomcat2", "B.tomcat2", "nobody"},
		} {
			if step.kill != "" {
				if err := w.Kill(step.kill); err != nil {
					return err
				}
			}
			if got := get(step.cookie); got != step.want {
				t.Errorf("after kill %q: answer to %s = %q, want %q", step.kill, step.cookie, got, step.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheConfigurationIsWhatTheTextSays(t *testing.T) {
	text := `events {}
http {
    keepalive_timeout 30s; client_header_timeout 5s; client_body_timeout 0;
    proxy_connect_timeout 500ms;
    client_max_body_size 0;
    upstream u {
        server tomcat1:8080 weight=5 max_fails=3 fail_timeout=1m30s;
        server tomcat2 down;
        hash "$cookie_a b" consistent;
        keepalive 16;
        keepalive_time 1h;
    }
    server {
        listen 80; listen *:81 default_server;
        server_name a.org *.b.org;
        location ~* \.jsp$ { proxy_pass HTTP://u; proxy_next_upstream error http_500; proxy_next_upstream_tries 2; }
        location ^~/x { proxy_pass http://u/y/; proxy_redirect off; add_header A b always; }
        location @late { internal; return 301 https://$host/; }
        error_page 404 =200 /a; error_page 502 504 = @late;
    }
}
`
	c, _, err := Read("c", []byte(text), Options{Resolve: resolve, Release: "1.22"})
	if err != nil {
		t.Fatal(err)
	}
	c.Resolve = nil
	u := c.Upstreams[0]
	s := c.Servers[0]
	for _, row := range []struct {
		what      string
		got, want any
	}{
		{"release", c.Release, "1.22"},
		{"default server", fmt.Sprint(s.Default), "[81]"},
		{"idle timeout", c.ClientIdleTimeout.String(), "30s"},
		{"header timeout", c.ClientHeaderTimeout.String(), "5s"},
		{"body timeout", c.ClientBodyTimeout, time.Duration(proxy.None)},
		{"connect timeout", c.ConnectTimeout.String(), "500ms"},
		{"body size", c.MaxBodySize, int64(proxy.Unlimited)},
		{"first server", fmt.Sprintf("%+v", u.Servers[0]), "{Name:tomcat1:8080 Addr:tomcat1:8080 Weight:5 MaxConns:0 MaxFails:3 " +
			"FailTimeout:1m30s Backup:false Down:false Drain:false Route: Pos:c:7}"},
		{"second server", fmt.Sprint(u.Servers[1].Addr, " ", u.Servers[1].Down), "tomcat2:80 true"},
		{"method", u.Method, upstream.ConsistentHash},
		{"key", u.Key, "$cookie_a b"},
		{"before the method", u.BeforeMethod, 2},
		{"kept connections", fmt.Sprint(u.Keepalive, u.KeepaliveTime), "16 1h0m0s"},
		{"ports", fmt.Sprint(s.Listen), "[80 81]"},
		{"names", strings.Join(s.Names, " "), "a.org *.b.org"},
		{"error pages", fmt.Sprint(s.ErrorPages), "[{[404] 1 200 /a} {[502 504] 2 0 @late}]"},
		{"first location", fmt.Sprint(s.Locations[0].Modifier, s.Locations[0].Path, " ", s.Locations[0].ProxyPass,
			s.Locations[0].NextUpstream, s.Locations[0].NextUpstreamTries), `~*\.jsp$ http://u[error http_500] 2`},
		{"second location", fmt.Sprint(s.Locations[1].Modifier, s.Locations[1].Path, s.Locations[1].Redirects,
			s.Locations[1].AddHeaders), "^~/x[{off }] [{A b true}]"},
		{"third location", fmt.Sprint(s.Locations[2].Modifier, s.Locations[2].Path, s.Locations[2].Internal,
			*s.Locations[2].Return), "@latetrue {301 https://$host/}"},
	} {
		if row.got != row.want {
			t.Errorf("%s = %v, want %v", row.what, row.got, row.want)
		}
	}
}

// Before 1.29.7 a method behind keepalive takes its place.
func TestAMethodBehindStickySwitchesItOff(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"ip_hash;\nsticky cookie s;\nserver 10.0.0.1;", "s"},
		{"sticky cookie s;\nserver 10.0.0.1;", "s"},
		{"sticky cookie s;\nip_hash;\nserver 10.0.0.1;", ""},
	} {
		config, _, err := Read("c", []byte(up(c.lines)), Options{Release: "1.31"})
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Upstreams[0].Sticky.Cookie; got != c.want {
			t.Errorf("%q: cookie %q, want %q", c.lines, got, c.want)
		}
	}
}

func TestAMethodBehindKeepaliveSwitchesItOff(t *testing.T) {
	text := []byte(up("keepalive 8;\nleast_conn;\nserver 10.0.0.1;"))
	for _, c := range []struct {
		release  string
		keep     int
		warnings []string
	}{
		{"1.22", 0, []string{"load balancing method redefined"}},
		{"1.31", 8, nil},
	} {
		config, found, err := Read("c", text, Options{Release: c.release})
		if err != nil {
			t.Fatal(err)
		}
		var warnings []string
		for _, d := range found {
			if d.Kind == Warning {
				warnings = append(warnings, d.Text)
			}
		}
		if got := config.Upstreams[0].Keepalive; got != c.keep || !slices.Equal(warnings, c.warnings) {
			t.Errorf("%s: keepalive %d and warnings %q, want %d and %q", c.release, got, warnings, c.keep, c.warnings)
		}
	}
}
