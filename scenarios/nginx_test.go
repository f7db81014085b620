package scenarios_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sessionlab/proxy/conf"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// The nginx.conf that a proxy line stands for is one that this lab reads, and one
// that nginx accepts where SEQUENCES_NGINX names it.
func TestProxyLinesStandForAnNginxConf(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"proxy", "server 172.16.12.101:8080;"},
		{"proxy least_conn max_fails=2 fail_timeout=5s", "server 172.16.12.102:8080 max_fails=2 fail_timeout=5s;"},
		{"proxy sticky=route cookie=SID", "map $cookie_SID $cookie_route {"},
		{"proxy hash $cookie_a consistent", "hash $cookie_a consistent;"},
		{"proxy ip_hash keepalive=4 proxy_http_version=1.1", `proxy_set_header Connection "";`},
		{`proxy random two error_page="502 =200 /50x.html" proxy_intercept_errors=yes`, "error_page 502 =200 /50x.html;"},
		{"proxy sticky=route port=8081\nserver tomcat2 backup weight=3", "server 172.16.12.102:8080 weight=3 backup;"},
		{"proxy sticky=cookie", "sticky cookie srv_id path=/;"},
		{"nginx 1.31\nproxy sticky=route\nserver tomcat1 drain", "server 172.16.12.101:8080 route=tomcat1 drain;"},
		{"-- nginx.conf --\nevents {}\nhttp { server { listen 8080; location / { proxy_pass http://tomcat1:8080; } } }", "proxy_pass http://tomcat1:8080;"},
	} {
		line, attached, _ := strings.Cut(c.line, "-- nginx.conf --")
		text := "nodes tomcat1 tomcat2\n" + line + "\nusers 1\nend 1s\n"
		if attached != "" {
			text += "-- nginx.conf --" + attached + "\n"
		}
		sc, err := script.Parse("s.txt", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := scenarios.NginxText(sc)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: no line %q in\n%s", c.line, c.want, got)
		}
		release := sc.Noun("nginx").Text
		if strings.Contains(c.line, "sticky=cookie") {
			release = "1.29.6"
		}
		config, _, err := conf.Read("nginx.conf", []byte(got), conf.Options{Release: release, Resolve: func(string) []string { return []string{"10.0.0.1"} }})
		if err == nil {
			err = config.Check()
		}
		if err != nil {
			t.Errorf("%s: %v in\n%s", c.line, err, got)
		}
		program := os.Getenv("SEQUENCES_NGINX")
		if program == "" || attached != "" || strings.Contains(got, "sticky") || strings.Contains(got, "drain") {
			continue // the nginx that there is may be too old
		}
		file := t.TempDir() + "/nginx.conf"
		if err := os.WriteFile(file, []byte("pid "+file+".pid;\n"+got), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(program, "-t", "-c", file).CombinedOutput(); err != nil {
			t.Errorf("%s: nginx -t: %s", c.line, out)
		}
	}
}
