package conf

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sessionlab/lab/sim"
	"sessionlab/proxy"
)

// article is an nginx.conf as it is copied from a web page: no-break spaces in
// its first line, comments that are none, and a brace that closes the upstream
// block too early.
const article = "worker_processes\u00a0\u00a01;\n" +
	`events {
    worker_connections  1024;
}
http {
    include       mime.types;
    default_type  application/octet-stream;
    sendfile        on;
    keepalive_timeout  65;
    //定义后端集群tomcat
    upstream jsp_server {
        server 172.16.12.101:8080 weight=1;}
        server 172.16.12.102:800 weight=1;
    server {
        listen 80;
        server_name localhost;
        //默认转发至tomcat集群
        location ~* (\.jsp|do)$ {
            proxy_pass http://jsp_server;
        }
    }
}
`

// where is what a test wants to know of an error: its text with line and column.
func where(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	if e.Line == 0 {
		return e.Error()
	}
	return fmt.Sprintf("%s:%d", e.Error(), e.Column)
}

func TestTheArticlesFileFailsStepByStepAsUnderNginx(t *testing.T) {
	blank := func(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }
	noFirst := func(s string) string { return strings.Replace(s, "    //定义后端集群tomcat\n", "", 1) }
	noSecond := func(s string) string { return strings.Replace(s, "        //默认转发至tomcat集群\n", "", 1) }
	brace := func(s string) string {
		s = strings.Replace(s, "101:8080 weight=1;}", "101:8080 weight=1;", 1)
		return strings.Replace(s, "102:800 weight=1;\n", "102:800 weight=1;}\n", 1)
	}
	for _, c := range []struct {
		what  string
		edits []func(string) string
		want  string
	}{
		{"verbatim", nil, "unknown directive \"worker_processes\u00a0\u00a01\" in nginx.conf:1:1"},
		{"blanks", []func(string) string{blank}, `unknown directive "//定义后端集群tomcat" in nginx.conf:11:25`},
		{"first comment removed", []func(string) string{blank, noFirst},
			`directive "server" has no opening "{" in nginx.conf:12:9`},
		{"both comments removed", []func(string) string{blank, noFirst, noSecond},
			`directive "server" has no opening "{" in nginx.conf:12:9`},
		{"brace moved, second comment kept", []func(string) string{blank, noFirst, brace},
			`unknown directive "//默认转发至tomcat集群" in nginx.conf:17:33`},
		{"all repaired", []func(string) string{blank, noFirst, noSecond, brace}, "<nil>"},
	} {
		text := article
		for _, edit := range c.edits {
			text = edit(text)
		}
		_, _, err := Read("nginx.conf", []byte(text), Options{})
		if got := where(err); got != c.want {
			t.Errorf("%s: error = %s, want %s", c.what, got, c.want)
		}
	}
}

// in puts lines into an http block: they begin on line 3.
func in(lines string) string { return "events {}\nhttp {\n" + lines + "\n}\n" }

// up puts lines into an upstream block: they begin on line 4.
func up(lines string) string { return in("upstream u {\n" + lines + "\n}") }

// loc puts lines into a location: they begin on line 5.
func loc(lines string) string { return in("server {\nlocation /a {\n" + lines + "\n}}") }

func TestMistakesAreReportedInNginxsWords(t *testing.T) {
	for _, c := range []struct {
		what, text, release, want string
	}{
		{what: "empty file", text: "", want: `no "events" section in configuration`},
		{what: "unknown directive", text: in("upstrem u {\n}"), want: `unknown directive "upstrem" in c:3:1`},
		{what: "unknown, ended on a later line", text: in("foo\n bar\n ;"), want: `unknown directive "foo" in c:5:2`},
		{what: "full-width semicolon", text: "events {}\nworker_processes 1；\nuser x;\n",
			want: `invalid number of arguments in "worker_processes" directive in c:3:7`},
		{what: "missing semicolon before a block", text: "worker_processes 1\nevents {\n}\n",
			want: `directive "worker_processes" is not terminated by ";" in c:2:8`},
		{what: "missing semicolon between servers", text: up("server 10.0.0.1:80\nserver 10.0.0.2:80;"),
			want: `invalid parameter "server" in c:5:1`},
		{what: "missing semicolon before the brace", text: up("server 10.0.0.1:80\n"), want: `unexpected "}" in c:6:1`},
		{what: "brace in a word", text: up("server 10.0.0.1:80}"), want: `unexpected "}" in c:5:1`},
		{what: "wrong context", text: in("proxy_pass http://10.0.0.1;"), want: `"proxy_pass" directive is not allowed here in c:3:1`},
		{what: "listen in http", text: in("listen 80;"), want: `"listen" directive is not allowed here in c:3:1`},
		{what: "too many arguments", text: in("sendfile on on;"), want: `invalid number of arguments in "sendfile" directive in c:3:1`},
		{what: "too few arguments", text: loc("proxy_pass;"), want: `invalid number of arguments in "proxy_pass" directive in c:5:1`},
		{what: "flag", text: in("sendfile yes;"), want: `invalid value "yes" in "sendfile" directive, it must be "on" or "off" in c:3:10`},
		{what: "no opening brace", text: "events;\n", want: `directive "events" has no opening "{" in c:1:1`},
		{what: "brace too many", text: "events {}\n}\n", want: `unexpected "}" in c:2:1`},
		{what: "brace too few", text: "events {\n", want: `unexpected end of file, expecting "}" in c:2:1`},
		{what: "ends in a directive", text: "events {}\nuser", want: `unexpected end of file, expecting ";" or "}" in c:2:4`},
		{what: "unclosed quote", text: in(`log_format x "abc;`) + "\n", want: `unexpected end of file, expecting ";" or "}" in c:6:1`},
		{what: "unclosed quote in a long file", text: "user \"x\n" + strings.Repeat("# more\n", 1000),
			want: `too long parameter, probably missing terminating """ character in c:1:6`},
		{what: "long word", text: "user " + strings.Repeat("x", 5000) + ";", want: `too long parameter "xxxxxxxxxx..." started in c:1:6`},
		{what: "text behind a quote", text: `user "a"b;`, want: `unexpected "b" in c:1:9`},
		{what: "two semicolons", text: "user a;;", want: `unexpected ";" in c:1:8`},
		{what: "duplicate directive", text: "events {}\nworker_processes 1;\nworker_processes 1;", want: `"worker_processes" directive is duplicate in c:3:1`},
		{what: "duplicate events", text: "events {}\nevents {}", want: `"events" directive is duplicate in c:2:1`},
		{what: "include", text: in("include conf.d/a.conf;"), want: `include of "conf.d/a.conf": only mime.types can be included here, put the text itself in its place in c:3:9`},

		{what: "weight=0", text: up("server 10.0.0.1 weight=0;"), want: `invalid parameter "weight=0" in c:4:17`},
		{what: "unknown parameter", text: up("server 10.0.0.1 wieght=2;"), want: `invalid parameter "wieght=2" in c:4:17`},
		{what: "commercial parameter", text: up("server 10.0.0.1 slow_start=5s;"), want: `invalid parameter "slow_start=5s" in c:4:17`},
		{what: "route in 1.22", text: up("server 10.0.0.1 route=a;"), want: `invalid parameter "route=a" in c:4:17`},
		{what: "empty route", text: up("server 10.0.0.1 route=;"), release: "1.31", want: `route is empty in c:4:17`},
		{what: "parameter before address", text: up("server 10.0.0.1:99999 weight=0;"), want: `invalid parameter "weight=0" in c:4:23`},
		{what: "invalid port", text: up("server 10.0.0.1:99999;"), want: `invalid port in upstream "10.0.0.1:99999" in c:4:8`},
		{what: "port is no number", text: up("server tomcat1:http;"), want: `invalid port in upstream "tomcat1:http" in c:4:8`},
		{what: "URL as server", text: up("server http://10.0.0.1:80;"), want: `invalid host in upstream "http://10.0.0.1:80" in c:4:8`},
		{what: "unknown host", text: up("server nobody:8080;"), want: `host not found in upstream "nobody:8080" in c:4:8`},
		{what: "known host", text: up("server tomcat1:8080;"), want: "<nil>"},
		{what: "backup behind ip_hash", text: up("ip_hash;\nserver 10.0.0.1;\nserver 10.0.0.2 backup;"),
			want: `balancing method does not support parameter "backup" in c:6:17`},
		{what: "backup before ip_hash", text: up("server 10.0.0.1;\nserver 10.0.0.2 backup;\nip_hash;"), want: "<nil>"},
		{what: "backup with least_conn", text: up("least_conn;\nserver 10.0.0.1;\nserver 10.0.0.2 backup;"), want: "<nil>"},
		{what: "only backups", text: up("server 10.0.0.1 backup;"), want: `no servers in upstream "u" in c:3:12`},
		{what: "no servers", text: up(""), want: `no servers are inside upstream in c:5:1`},
		{what: "duplicate upstream", text: in("upstream u {\nserver 10.0.0.1;\n}\nupstream U {\nserver 10.0.0.1;\n}"), want: `duplicate upstream "U" in c:6:10`},
		{what: "hash of a variable without a name", text: up("server 10.0.0.1;\nhash a$;"), want: `invalid variable name in c:5:6`},
		{what: "variable whose brace is open", text: in("map $ar${g $x {\n}"), want: `the closing bracket in "g" variable is missing in c:3:5`},
		{what: "octet with a zero before it", text: up("server 10.0.0.01:80;"), want: "<nil>"},
		{what: "octet too large", text: up("server 10.0.0.256:80;"), want: `host not found in upstream "10.0.0.256:80" in c:4:8`},
		{what: "quote in a word", text: up("server 10.0.0.1 weight\"=2;"), want: `invalid parameter "weight"=2" in c:4:17`},
		{what: "hash parameter", text: up("hash $uri consistant;"), want: `invalid parameter "consistant" in c:4:11`},
		{what: "random parameter", text: up("random three;"), want: `invalid parameter "three" in c:4:8`},
		{what: "keepalive 0 in 1.22", text: up("keepalive 0;"), want: `invalid value "0" in "keepalive" directive in c:4:11`},
		{what: "keepalive local in 1.22", text: up("keepalive 5 local;"), want: `invalid number of arguments in "keepalive" directive in c:4:1`},
		{what: "sticky in 1.22", text: up("sticky cookie x;"), want: `unknown directive "sticky" in c:4:1`},
		{what: "sticky elsewhere", text: in("sticky cookie x;"), release: "1.31", want: `"sticky" directive is not allowed here in c:3:1`},
		{what: "sticky kind", text: up("sticky biscuit x;"), release: "1.31", want: `unknown parameter "biscuit" in c:4:8`},
		{what: "sticky learn", text: up("sticky learn create=$upstream_cookie_a;"), release: "1.31", want: `"sticky" directive "lookup" parameter is not specified in c:4:14`},
		{what: "sticky without a kind's words", text: up("sticky route;\nserver 10.0.0.1;"), release: "1.31", want: `invalid number of arguments in "sticky" directive in c:4:1`},
		{what: "sticky route of nothing", text: up("sticky route $;\nserver 10.0.0.1;"), release: "1.31", want: `invalid variable name "$" in c:4:14`},
		{what: "sticky parameter twice", text: up("sticky cookie s secure httponly secure;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive parameter "secure" is duplicate in c:4:33`},
		{what: "sticky domain of nothing", text: up("sticky cookie s domain=;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive no value for "domain" in c:4:17`},
		{what: "sticky expires in parts of a second", text: up("sticky cookie s expires=500ms;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive invalid "expires" parameter value in c:4:17`},
		{what: "sticky word without a value", text: up("sticky cookie s path;\nserver 10.0.0.1;"), release: "1.31", want: `unknown parameter "path" in c:4:17`},
		{what: "sticky samesite", text: up("sticky cookie s samesite=x;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive invalid "samesite" parameter value in c:4:17`},
		{what: "sticky samesite of a variable", text: up("sticky cookie s samesite=$arg_a;\nserver 10.0.0.1;"), release: "1.31", want: "<nil>"},
		{what: "zone of sticky learn without a size", text: up("sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=z;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive zone size is not specified in c:4:57`},
		{what: "small zone of sticky learn", text: up("sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=z:1k;\nserver 10.0.0.1;"), release: "1.31", want: `"sticky" directive zone is too small in c:4:57`},
		{what: "zone", text: up("zone z 1k;"), want: `zone "z" is too small in c:4:6`},
		{what: "zone's size", text: up("zone z x;"), want: `invalid zone size "x" in c:4:8`},
		{what: "zone without a size", text: up("zone z;\nserver 10.0.0.1;"), want: `zero size shared memory zone "z"`},
		{what: "fail_timeout in years", text: up("server 10.0.0.1 fail_timeout=1y;"), want: "<nil>"},
		{what: "timeout in years", text: loc("proxy_read_timeout 1y;"), want: `"proxy_read_timeout" directive invalid value in c:5:20`},
		{what: "commercial directive", text: up("queue 10;"), want: `unknown directive "queue" in c:4:1`},

		{what: "location modifier", text: in("server {\nlocation !~ /a {}\n}"), want: `invalid location modifier "!~" in c:4:10`},
		{what: "location expression", text: in("server {\nlocation ~ (a {}\n}"), want: `pcre2_compile() failed: missing closing parenthesis in "(a" in c:4:12`},
		{what: "duplicate location", text: in("server {\nlocation /a {}\nlocation ^~ /a {}\n}"), want: `duplicate location "/a" in c:5:16`},
		{what: "exact and prefix", text: in("server {\nlocation /a {}\nlocation = /a {}\n}"), want: "<nil>"},
		{what: "duplicate inside", text: loc("location /a/b {}\nlocation /a/b {}"), want: `duplicate location "/a/b" in c:6:15`},
		{what: "location outside the one around", text: loc("location /b {}"), want: `location "/b" is outside location "/a" in c:5:1`},
		{what: "named location in a location", text: loc("location @b {}"), want: `named location "@b" can be on the server level only in c:5:1`},
		{what: "location in an exact one", text: in("server {\nlocation = /a {\nlocation /a/b {}\n}}"),
			want: `location "/a/b" cannot be inside the exact location "/a" in c:5:1`},
		{what: "brace of a location forgotten", text: in("server {\nlocation /a {\nlocation ~ b {\n}\nlocation @c {\n}\n}\n}"),
			want: `named location "@c" can be on the server level only in c:7:1`},
		{what: "URI in a regex location", text: in("server {\nlocation ~ a {\nproxy_pass http://10.0.0.1/b;\n}}"),
			want: errURI + ` in c:5:12`},
		{what: "proxy_pass without scheme", text: loc("proxy_pass u;"), want: `invalid URL prefix in c:5:12`},
		{what: "proxy_pass to TLS", text: loc("proxy_pass https://u;"), want: `proxy_pass to "https://u": TLS is not simulated in c:5:12`},
		{what: "proxy_pass twice", text: loc("proxy_pass http://10.0.0.1;\nproxy_pass http://10.0.0.1;"), want: `"proxy_pass" directive is duplicate in c:6:12`},
		{what: "proxy_pass to nobody", text: loc("\nproxy_pass http://nobody:81;"), want: `host not found in upstream "nobody" in c:6:28`},
		{what: "proxy_pass to a group's port", text: in("upstream u {\nserver 10.0.0.1;\n}\nserver {\nlocation / {\nproxy_pass http://u:8080;\n}}"),
			want: `upstream "u" may not have port 8080 in c:8:12`},
		{what: "port before the group", text: in("server {\nlocation / {\nproxy_pass http://u:8080;\n}}\nupstream u {\nserver 10.0.0.1;\n}"),
			want: `upstream "u" may not have port 8080 in c:5:25`},
		{what: "group behind its use", text: in("server {\nlocation / {\nproxy_pass http://u;\n}}\nupstream u {\nserver 10.0.0.1;\n}"), want: "<nil>"},
		{what: "listen port", text: in("server {\nlisten 70000;\n}"), want: `invalid port in "70000" of the "listen" directive in c:4:8`},
		{what: "listen parameter", text: in("server {\nlisten 80 defualt;\n}"), want: `invalid parameter "defualt" in c:4:11`},
		{what: "backlog", text: in("server {\nlisten 80 backlog=0;\n}"), want: `invalid backlog "backlog=0" in c:4:11`},
		{what: "two default servers", text: in("server {\nlisten 80 default_server;\n}\nserver {\nlisten *:80 default_server;\n}"),
			want: `a duplicate default server for 0.0.0.0:80 in c:7:8`},
		{what: "default servers of two ports", text: in("server {\nlisten 80 default_server;\n}\nserver {\nlisten 81 default_server;\n}"), want: "<nil>"},
		{what: "listen on a socket of the file system", text: in("server {\nlisten unix:/run/x;\nlisten 80;\n}"), want: "<nil>"},
		{what: "connections", text: "events {\nworker_connections x;\n}", want: `invalid number "x" in c:2:20`},
		{what: "duplicate listen", text: in("server {\nlisten 80;\nlisten *:80;\n}"), want: `a duplicate listen 0.0.0.0:80 in c:5:8`},
		{what: "server name", text: in("server {\nserver_name *a;\n}"), want: `server name "*a" is invalid in c:4:13`},
		{what: "return", text: loc("return abc;"), want: `invalid return code "abc" in c:5:8`},
		{what: "return 0", text: loc("return 0;"), want: `return 0 is not simulated in c:5:8`},
		{what: "error_page", text: loc("error_page 200 /x;"), want: `value "200" must be between 300 and 599 in c:5:12`},
		{what: "error_page word", text: loc("error_page x /x;"), want: `invalid value "x" in c:5:12`},
		{what: "error_page without a code", text: loc("error_page =200 /x;"), want: `invalid value "=200" in c:5:12`},
		{what: "next upstream", text: loc("proxy_next_upstream http_501;"), want: `invalid value "http_501" in c:5:21`},
		{what: "time", text: loc("proxy_read_timeout 5x;"), want: `"proxy_read_timeout" directive invalid value in c:5:20`},
		{what: "tries", text: loc("proxy_next_upstream_tries x;"), want: `"proxy_next_upstream_tries" directive invalid number in c:5:27`},
		{what: "log level", text: "error_log /dev/null wran;\n", want: `invalid log level "wran" in c:1:21`},
		{what: "timeout of clients", text: loc("send_timeout x;"), want: `"send_timeout" directive invalid value in c:5:14`},
		{what: "large buffers", text: in("large_client_header_buffers 0 8k;"), want: `"large_client_header_buffers" directive invalid value in c:3:31`},
		{what: "table", text: in("types_hash_max_size x;"), want: `"types_hash_max_size" directive invalid number in c:3:21`},
		{what: "buffer", text: loc("proxy_buffer_size 1g;"), want: `"proxy_buffer_size" directive invalid value in c:5:19`},
		{what: "buffers", text: loc("proxy_buffers 0 4k;"), want: `"proxy_buffers" directive invalid value in c:5:17`},
		{what: "HTTP version", text: loc("proxy_http_version 3;"), want: `invalid value "3" in c:5:20`},
		{what: "redirect default first", text: loc("proxy_redirect default;"), want: `"proxy_redirect default" should be placed after the "proxy_pass" directive in c:5:16`},

		{what: "map variable", text: in("map $uri x {\n}"), want: `invalid variable name "x" in c:3:10`},
		{what: "map line", text: in("map $uri $x {\na b c;\n}"), want: `invalid number of the map parameters in c:4:1`},
		{what: "map block", text: in("map $uri $x {\na {}\n}"), want: `unexpected "{" in c:4:1`},
		{what: "map twice", text: in("map $uri $x {\na b;\nA c;\n}"), want: `conflicting parameter "A" in c:5:1`},
		{what: "map defaults", text: in("map $uri $x {\ndefault b;\ndefault c;\n}"), want: `duplicate default map parameter in c:5:1`},
		{what: "map expression", text: in("map $uri $x {\n~(?<=a)b c;\n}"),
			want: "regular expression \"(?<=a)b\": error parsing regexp: invalid named capture: `(?<=a)b` (RE2 is understood, not all of PCRE) in c:4:1"},

		{what: "unknown directive in an ignored block", text: loc("if ($uri) {\nfoo 1;\n}"), want: `unknown directive "foo" in c:6:1`},
		{what: "wrong context in an ignored block", text: loc("if ($uri) {\nlisten 80;\n}"), want: `"listen" directive is not allowed here in c:6:1`},
		{what: "release", text: "", release: "2", want: `unknown nginx release "2"`},
	} {
		_, _, err := Read("c", []byte(c.text), Options{Release: c.release, Resolve: resolve})
		if got := where(err); got != c.want {
			t.Errorf("%s: error = %s, want %s", c.what, got, c.want)
		}
	}
}

const errURI = `"proxy_pass" cannot have URI part in location given by regular expression, ` +
	`or inside named location, or inside "if" statement, or inside "limit_except" block`

// resolve knows the nodes of the tests.
func resolve(name string) []string {
	return map[string][]string{"tomcat1": {"172.16.12.101"}, "tomcat2": {"172.16.12.102"}}[name]
}

func TestWhatHasNoEffectIsListed(t *testing.T) {
	text := `worker_processes auto;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    sendfile on;
    types { text/html html; }
    limit_req_zone $binary_remote_addr zone=a:10m rate=1r/s;
    upstream u { server 10.0.0.1; ip_hash; least_conn; }
    server {
        listen 443 ssl;
        server_name ~^www;
        location /a {
            rewrite ^ /b;
            if ($uri ~ x) { return 404; }
        }
    }
}
stream { server { listen 53; } }
`
	_, found, err := Read("c", []byte(text), Options{LineOffset: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, fmt.Sprint(d.Kind, " ", d))
	}
	want := []string{
		`2 c:101:18: one worker process is simulated; with several and without "zone" each would have its own rotation and failure counts`,
		`2 c:102:10: "worker_connections": no limit is simulated`,
		`2 c:104:5: "include" of mime.types: the usual types are built in`,
		`2 c:105:5: "sendfile": no effect: files are in memory`,
		`2 c:106:5: "types": the usual types are built in, and no others`,
		`1 c:107:5: "limit_req_zone" is not simulated, which changes no outcome: only limit_req, limit_conn and limit_rate make use of it`,
		`0 c:108:44: load balancing method redefined`,
		`1 c:110:16: "listen 443 ssl" is not understood, ignored: plain HTTP on IPv4 is simulated`,
		`1 c:113:13: "rewrite" is not simulated, and can change outcomes: nginx would go on with another URI, or redirect`,
		`1 c:114:13: "if" is not simulated, and can change outcomes: nginx would do what is in it where its condition is true`,
		`1 c:109:5: the server is ignored: it has no port that is simulated`,
		`1 c:118:1: "stream" is not simulated, which changes no outcome: HTTP alone is simulated`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("diagnostics:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestErrorsCarryTheLinesOfTheFileAround(t *testing.T) {
	_, _, err := Read("kill.txt", []byte("events {}\n\tfoo;\n"), Options{LineOffset: 20})
	if got, want := where(err), `unknown directive "foo" in kill.txt:22:2`; got != want {
		t.Errorf("error = %s, want %s", got, want)
	}
}

func TestMistakesThatOneDoesNotSeeAreExplained(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"user\u00a0nobody;", "there is a no-break or ideographic space in it, which separates nothing"},
		{"user nobody；\npid x;", "it holds a full-width semicolon, which ends nothing"},
		{"// lab\nuser nobody;", `only "#" begins a comment`},
		{up("server 10.0.0.1\nserver 10.0.0.2;"), "is the semicolon of the line before missing?"},
		{"usr nobody;", ""},
	} {
		_, _, err := Read("c", []byte(c.text), Options{})
		var e *Error
		if !errors.As(err, &e) || e.Hint != c.want {
			t.Errorf("hint of %q = %+v, want %q", c.text, e, c.want)
		}
	}
}

func TestServersWithOneNameConflict(t *testing.T) {
	_, found, err := Read("c", []byte(in("server { server_name a; }\nserver {\nserver_name b A; }\nserver { listen 81; server_name a; }")), Options{})
	if got, want := fmt.Sprint(found, err), `[c:4:1: conflicting server name "a" on 0.0.0.0:80, ignored] <nil>`; got != want {
		t.Errorf("diagnostics = %s, want %s", got, want)
	}
}

// The understood directives must be nginx's own: same contexts, same counts.
func TestTableAgreesWithNginxsOwn(t *testing.T) {
	const counts = 0xffff
	newer := []string{"sticky", "keepalive"} // younger than the table of 1.24
	for _, d := range directives() {
		if d.effect == "" {
			t.Errorf("%s: no effect is named", d.name)
		}
		if slices.Contains(newer, d.name) {
			continue
		}
		for context := inMain; context <= inUpstream; context <<= 1 {
			if d.mask&context == 0 {
				continue
			}
			fits := func(m mask) bool { return m&context != 0 && m&counts == d.mask&counts }
			if masks := known(2201, d.name); !slices.ContainsFunc(masks, fits) {
				t.Errorf("%s: mask %#x, want one of %#x", d.name, d.mask, masks)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(article)
	f.Add(strings.ReplaceAll(article, "\u00a0", " "))
	f.Add(sticky)
	f.Add(up("sticky learn create=$upstream_cookie_a lookup=$cookie_a zone=a:1m timeout=1h;\nserver tomcat1 route=a drain;"))
	f.Add(loc("error_page 502 = @x;\nproxy_redirect ~a b;\nreturn 301 /x;\nif ($a) { set $b 1; }"))
	f.Add("events {}\nhttp { \"a\\\"b\" ${x} 'y';;")
	w := sim.New(sim.Config{Seed: 1})
	f.Cleanup(func() { w.Close() })
	f.Fuzz(func(t *testing.T, text string) {
		for _, release := range []string{"", "1.31"} {
			config, found, err := Read("c", []byte(text), Options{Release: release, Resolve: resolve})
			lines := strings.Count(text, "\n") + 1
			for _, d := range found {
				if d.Line < 1 || d.Line > lines || d.Column < 1 {
					t.Errorf("diagnostic at %v of %d lines: %s", d.Position, lines, d.Text)
				}
			}
			var e *Error
			switch {
			case err == nil:
				// What Read accepts may be refused, but must not panic.
				_, _ = proxy.New(w.Operator(), config)
				written := Write(config)
				again, _, err := Read("w", []byte(written), Options{Release: release, Resolve: resolve})
				if err != nil || !reflect.DeepEqual(bare(again), bare(config)) {
					t.Errorf("written as\n%s\nreads as %+v, %v\nwant     %+v", written, again, err, config)
				}
			case !errors.As(err, &e):
				t.Errorf("error = %v, want an *Error", err)
			case e.Line > lines:
				t.Errorf("error at line %d of %d: %v", e.Line, lines, e)
			}
		}
	})
}
