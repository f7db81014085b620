package scenarios_test

import (
	"fmt"
	"slices"
	"testing"

	"sessionlab/lab/loopback"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

func TestCookiesOfTheProxyAreSeen(t *testing.T) {
	everywhere(t, `
nodes    a b
proxy    round_robin sticky=cookie
user     alice
alice    GET /session
expect   alice.last.cookie(srv_id) != "" and alice.last.cookie(JSESSIONID) != alice.last.cookie(srv_id)
alice    GET /set?name=cookie&value=3
expect   alice.last.cookie(JSESSIONID) == alice.last.session and alice.last.cookie == 3
alice    GET /session  on a
expect   alice.last.cookie(srv_id) != alice.last.cookie(srv_id)  # a node sets none: what is absent differs from everything
end      1s
`)
}

// The nodes get what the line says, by the front and directly, and nothing of it is
// left for the next request on the connection.
func TestNodesReceiveTheHeaderOfALine(t *testing.T) {
	sc, err := script.Parse("header", []byte(`
nodes    a b
user     alice
alice    GET /session  header="X-Real-IP: 10.0.0.9" header="Accept: text/html" header="accept:x/y" header="Host: shop.example"
alice    GET /a?b=%20c
alice    GET /session  on b  header="Host: shop.example" header="User-Agent: curl"
alice    GET /session  on b
end      1s
-- nginx.conf --
events {}
http {
    upstream tomcats { server a:8080; server b:8080; }
    server { listen 8080; location / { proxy_pass http://tomcats; proxy_set_header Host $host; proxy_set_header X-Of $http_x_real_ip; } }
}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a GET /session HTTP/1.0 [Host: shop.example Accept: text/html Accept: x/y Connection: close X-Of: 10.0.0.9 X-Real-Ip: 10.0.0.9]",
		"b GET /a?b=%20c HTTP/1.0 [Host: 172.16.12.1 Connection: close]",
		"b GET /session HTTP/1.1 [Host: shop.example User-Agent: curl]",
		"b GET /session HTTP/1.1 [Host: 172.16.12.102:8080]",
	}
	for kind, newWorld := range map[string]func(*script.Scenario) (world.World, error){"sim": inSim, "loopback": onLoopback} {
		w, err := newWorld(sc)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scenarios.Run(sc, scenarios.Options{World: w, KeepReceived: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rec := range r.History.Requests {
			for _, in := range rec.Received {
				if !rec.Audit {
					got = append(got, fmt.Sprint(in.Node, " ", in.Line, " ", in.Header))
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the nodes have received\n%q\nwant\n%q", kind, got, want)
		}
	}
}

func TestUsersOfIPv6(t *testing.T) {
	everywhere(t, `
nodes    a b c
user     alice from 2001:db8::7
user     bob from 2001:DB8:0::8
user     carol from 10.0.1.7
users    3 from=2001:db8:1::/64 requests=3 think=10ms
alice    POST /counter
alice    POST /counter
bob      POST /counter
carol    POST /counter
alice    POST /counter
bob      POST /counter
end      1s
# by all of the address, not by three octets
expect   alice.nodes == "c c c" and bob.nodes == "a a" and alice.last.count == 3 and bob.last.count == 2 and requests.failed == 0
-- nginx.conf --
events {}
http {
    upstream tomcats { hash $remote_addr; server a:8080; server b:8080; server c:8080; }
    server { listen 8080; location / { proxy_pass http://tomcats; } }
}
`)
}

func TestWhatNodesReceivedIsNotKeptUnlessAskedFor(t *testing.T) {
	w, err := loopback.New(loopback.Config{Seed: 1, Offset: loopback.Probe})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := script.Parse("header", []byte("nodes a\nuser alice\nalice GET /session\nend 100ms\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scenarios.Run(sc, scenarios.Options{World: w})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.History.Requests[0].Received; got != nil {
		t.Errorf("received = %v, want nothing", got)
	}
}
