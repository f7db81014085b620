package scenarios_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sessionlab/lab"
	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
	"sessionlab/sessions/delta"
)

// outside is somebody at the door of a lab that was made from the nouns of a
// scenario: a client with one cookie, who also reads the timeline.
type outside struct {
	*testing.T
	*lab.Lab
	ctx    context.Context
	op     world.Host
	cookie string
	told   []string
}

// labOf makes the lab of a scenario's nouns in virtual time.
func labOf(tb testing.TB, nouns string) (*sim.World, *lab.Lab) {
	tb.Helper()
	sc, err := script.Parse("nouns", []byte(nouns+"\nend 1s\n"))
	if err != nil {
		tb.Fatal(err)
	}
	plan, err := scenarios.PlanOf(sc)
	if err != nil {
		tb.Fatal(err)
	}
	w := sim.New(sim.Config{Seed: 1})
	tb.Cleanup(func() { w.Close() })
	the, err := lab.New(w, plan)
	if err != nil {
		tb.Fatal(err)
	}
	return w, the
}

// withLab runs a story in a lab in virtual time.
func withLab(t *testing.T, nouns string, story func(*outside)) {
	t.Helper()
	w, the := labOf(t, nouns)
	o := &outside{T: t, Lab: the, op: w.Operator()}
	the.Watch(func(e lab.Event) {
		if e.Text != "" {
			o.told = append(o.told, e.Text)
		}
	})
	err := w.Run(func(ctx context.Context) error {
		o.ctx = ctx
		if err := the.Start(ctx); err != nil {
			return err
		}
		story(o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request such as "POST /counter" straight to a node and follows the
// cookie. What was set is its whole Set-Cookie line.
func (o *outside) ask(node, request string) (body, set string) {
	o.Helper()
	method, target, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(o.ctx, method, "http://"+o.NodeAddr(node)+target, nil)
	if err != nil {
		o.Fatal(err)
	}
	req.Close = true
	if o.cookie != "" {
		req.Header.Set("Cookie", o.cookie)
	}
	resp, err := o.op.Transport().RoundTrip(req)
	if err != nil {
		o.Fatalf("%s on %s: %v", request, node, err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		o.Fatalf("%s on %s: %v", request, node, err)
	}
	resp.Body.Close()
	if set = resp.Header.Get("Set-Cookie"); set != "" {
		o.cookie, _, _ = strings.Cut(set, ";")
	}
	return string(b), set
}

// requestAttributes is what /request on a node shows of them.
func (o *outside) requestAttributes(node string) string {
	o.Helper()
	body, _ := o.ask(node, "GET /request")
	_, after, _ := strings.Cut(body, `"request":`)
	return strings.TrimSuffix(after, "}\n")
}

func (o *outside) wait(d time.Duration) {
	if err := o.op.Sleep(o.ctx, d); err != nil {
		o.Fatal(err)
	}
}

// heard counts the lines of the timeline with all of these words.
func (o *outside) heard(words ...string) int {
	n := 0
lines:
	for _, line := range o.told {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		n++
	}
	return n
}

func (o *outside) want(what string, got, want any) {
	o.Helper()
	if got != want {
		o.Errorf("%s = %v, want %v", what, got, want)
	}
}

const replicating = "nodes a b\nmanager DeltaManager\ncluster channelSendOptions=6\n"

func TestPrimaryIndicatorTellsTheApplicationWhoseCopyItHas(t *testing.T) {
	const name = "org.apache.catalina.ha.tcp.isPrimarySession"
	withLab(t, replicating+"valve JvmRouteBinderValve enabled=no\nvalve ReplicationValve primaryIndicator=yes", func(o *outside) {
		o.want("attributes without a session", o.requestAttributes("a"), `{}`)
		o.ask("a", "POST /counter")
		o.want("attributes on the node that has answered", o.requestAttributes("a"), `{"`+name+`":"true"}`)
		o.want("attributes on the other node", o.requestAttributes("b"), `{"`+name+`":"false"}`)
		o.want("attributes there afterwards", o.requestAttributes("b"), `{"`+name+`":"true"}`)
		o.cookie = "JSESSIONID=0123.a"
		o.want("attributes with an id that nobody knows", o.requestAttributes("a"), `{}`)
	})
	withLab(t, replicating+"valve ReplicationValve primaryIndicator=yes primaryIndicatorName=mine", func(o *outside) {
		o.ask("a", "POST /counter")
		o.want("attributes under another name", o.requestAttributes("a"), `{"mine":"true"}`)
	})
	withLab(t, replicating, func(o *outside) {
		o.ask("a", "POST /counter")
		o.want("attributes by default", o.requestAttributes("a"), `{}`)
	})
}

func TestOriginalSessionIDIsLeftInTheRequest(t *testing.T) {
	const name = "org.apache.catalina.ha.session.JvmRouteOriginalSessionID"
	for _, c := range []struct{ option, want string }{
		{"", name},
		{" sessionIdAttribute=before", "before"},
		{` sessionIdAttribute=""`, ""},
		{" enabled=no", ""},
	} {
		withLab(t, replicating+"valve JvmRouteBinderValve"+c.option, func(o *outside) {
			o.ask("a", "POST /counter")
			old := strings.TrimPrefix(o.cookie, "JSESSIONID=")
			want := `{}`
			if c.want != "" {
				want = `{"` + c.want + `":"` + old + `"}`
			}
			o.want("attributes after a change of the node with"+c.option, o.requestAttributes("b"), want)
			o.want("attributes with the new id", o.requestAttributes("b"), `{}`)
		})
	}
}

func TestReplicationValveKeepsStatistics(t *testing.T) {
	withLab(t, replicating+"valve ReplicationValve statistics=yes filter=/session", func(o *outside) {
		o.ask("a", "POST /counter?ms=4")
		o.ask("a", "GET /session?ms=4")
		o.ask("a", "GET /counter?ms=4")
		s := o.Status()[0].Node.Replication
		if s == nil {
			t.Fatal("a has no statistics")
		}
		o.want("requests", s.Requests, 3)
		o.want("sent", s.Sent, 2) // the third joins its session, which is a change
		o.want("filtered", s.Filtered, 1)
		if s.RequestTime < 12*time.Millisecond || s.SendTime >= s.RequestTime {
			t.Errorf("3 requests took %v, %v of it to replicate, want 12ms and more, and a part of it", s.RequestTime, s.SendTime)
		}
		for range 97 {
			o.ask("a", "GET /session")
		}
		o.want("lines about a hundred requests", o.heard("ReplicationValve of a: 100 requests", "2 sent, 98 filtered"), 1)
		o.want("lines about b", o.heard("ReplicationValve of b"), 0)
		if err := o.Stop("b"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		o.want("lines at the stop of b", o.heard("ReplicationValve of b: 0 requests"), 1)
		o.ask("a", "POST /counter")
		o.want("requests after one without members", o.Status()[0].Node.Replication.Requests, 100)
	})
	withLab(t, replicating, func(o *outside) {
		o.ask("a", "POST /counter")
		if s := o.Status()[0].Node.Replication; s != nil {
			t.Errorf("statistics by default: %v, want none", s)
		}
	})
}

func TestContextSaysWhatTheSessionCookieIs(t *testing.T) {
	for _, c := range []struct{ option, want string }{
		{"", "JSESSIONID=ID; Path=/; HttpOnly"},
		{"sessionCookieName=SID", "SID=ID; Path=/; HttpOnly"},
		{"sessionCookiePath=/shop", "JSESSIONID=ID; Path=/shop; HttpOnly"},
		{"sessionCookieDomain=example.com", "JSESSIONID=ID; Domain=example.com; Path=/; HttpOnly"},
		{"useHttpOnly=false", "JSESSIONID=ID; Path=/"},
		{"cookies=false", ""},
		{"sessionCookieDomain=.example.com", ""}, // Tomcat fails to write such a cookie
	} {
		withLab(t, "nodes a\napp "+c.option, func(o *outside) {
			body, set := o.ask("a", "POST /counter")
			if _, id, ok := strings.Cut(body, `"session":"`); ok {
				id, _, _ = strings.Cut(id, `"`)
				set = strings.Replace(set, id, "ID", 1)
				if c.want == "" && c.option != "cookies=false" {
					t.Errorf("app %s: got the session %s, want an error", c.option, id)
				}
			}
			o.want("Set-Cookie of app "+c.option, set, c.want)
		})
	}
}

func TestWithoutCookiesAnIDComesByTheURLOnly(t *testing.T) {
	withLab(t, "nodes a\napp cookies=no", func(o *outside) {
		body, _ := o.ask("a", "POST /counter")
		_, id, _ := strings.Cut(body, `"session":"`)
		id, _, _ = strings.Cut(id, `"`)
		o.cookie = "JSESSIONID=" + id
		body, _ = o.ask("a", "GET /session")
		o.want("session by the cookie", strings.Contains(body, id), false)
		body, _ = o.ask("a", "GET /session;jsessionid="+id)
		o.want("session by the URL", strings.Contains(body, id), true)
	})
}

// What the cookie's path and domain do to users who follow them as browsers do.
func TestBrowsersKeepTheCookieWithinItsPathAndDomain(t *testing.T) {
	for _, c := range []struct {
		option string
		news   string // what becomes of three requests
	}{
		{"", "alice.new_sessions == 1"},
		{"sessionCookiePath=/counter", "alice.new_sessions == 1"},
		{"sessionCookiePath=/shop", "alice.new_sessions == 3"},
		{"sessionCookieDomain=172.16.12.1", "alice.new_sessions == 1"},
		{"sessionCookieDomain=example.com", "alice.new_sessions == 3"},
		{"cookies=no", "alice.new_sessions == 3"},
		{"sessionCookieDomain=-a", "alice.failed == 3"},
	} {
		text := "nodes a\napp " + c.option + "\nuser alice\nalice POST /counter 3 times\nend 5s\nexpect " + c.news + "\n"
		if r := run(t, "cookie", []byte(text), "sim", inSim); r.Verdict != report.Pass {
			t.Errorf("app %s: verdict %s, want pass of %s", c.option, r.Verdict, c.news)
		}
	}
}

func TestReceiverOfANodeKeepsItsThreads(t *testing.T) {
	for _, c := range []struct {
		option string
		want   int
	}{{"", 6}, {"receiver minThreads=2", 2}, {"receiver minThreads=3 maxThreads=3", 3}} {
		withLab(t, replicating+c.option, func(o *outside) {
			o.want("receiver threads with "+c.option, o.Status()[1].Channel.ReceiverThreads, c.want)
		})
	}
}

func TestReceiverWithoutThreadsIsTold(t *testing.T) {
	const one = "receiver maxThreads=1 minThreads=1 "
	for _, c := range []struct {
		option string
		want   int
	}{{one + "timeout=100ms selectorTimeout=10ms", 1}, {one + "timeout=1s selectorTimeout=10ms", 0}, {one + "timeout=100ms", 0}, {"", 0}} {
		withLab(t, "nodes a b c\nmanager DeltaManager sendAllSessions=no sendAllSessionsSize=1 sendAllSessionsWaitTime=300ms\n"+c.option, func(o *outside) {
			for range 3 {
				o.ask("a", "POST /counter")
				o.cookie = ""
			}
			if err := o.Kill("b"); err != nil {
				t.Fatal(err)
			}
			o.wait(time.Second)
			if err := o.StartNode("b"); err != nil {
				t.Fatal(err)
			}
			// While one sends its sessions to b one by one, a thread of it is busy.
			asked, other := "a", "c"
			for range 1000 {
				if o.heard("b asks", "for all sessions") > 0 {
					break
				}
				o.wait(10 * time.Millisecond)
			}
			if o.heard("b asks c") > 0 {
				asked, other = other, asked
			}
			o.wait(50 * time.Millisecond) // a sender of a new JVM takes some
			o.ask(other, "POST /counter")
			o.wait(time.Second)
			o.want("lines with "+c.option, o.heard("all receiver threads of "+asked+" are busy: a message of "+other), c.want)
		})
	}
}

// The flags of DeltaManager say whose listeners run on the nodes that hear of a
// change from another.
func TestListenersOfAReplicaHearWhatTheFlagsAllow(t *testing.T) {
	const (
		sessionFlag   = "notifySessionListenersOnReplication"
		attributeFlag = "notifyListenersOnReplication"
		containerFlag = "notifyContainerListenersOnReplication"
	)
	callbacks := []struct {
		method, flag string
		times        int // on every node
	}{
		{"sessionCreated", sessionFlag, 1},
		{"sessionDestroyed", sessionFlag, 1},
		{"sessionIdChanged", sessionFlag, 1},
		{"changeSessionId", containerFlag, 1},
		{"attributeAdded", attributeFlag, 2},    // cart, count
		{"attributeReplaced", attributeFlag, 1}, // cart
	}
	for _, off := range []string{"", sessionFlag, attributeFlag, containerFlag} {
		option := ""
		if off != "" {
			option = " " + off + "=no"
		}
		withLab(t, "nodes a b\nmanager DeltaManager"+option+"\ncluster channelSendOptions=6\napp listeners=yes", func(o *outside) {
			for _, request := range []string{"POST /set?name=cart&value=pen", "POST /set?name=cart&value=ink", "POST /counter", "GET /remove?name=count"} {
				o.ask("a", request)
			}
			o.want("attributeRemoved on a", o.heard("of a hears attributeRemoved"), 1)
			removed := 1
			if off == attributeFlag {
				removed = 0
			}
			o.want("attributeRemoved on b with"+option, o.heard("of b hears attributeRemoved"), removed)
			o.ask("b", "GET /session") // renamed to b's route
			o.ask("b", "GET /logout")
			for _, c := range callbacks {
				there := c.times
				if c.flag == off {
					there = 0
				}
				// The id is changed on b, so there a hears of it from b.
				local, told := "a", "b"
				if c.method == "sessionIdChanged" || c.method == "changeSessionId" || c.method == "sessionDestroyed" {
					local, told = told, local
				}
				o.want(c.method+" on "+local+" with"+option, o.heard("of "+local+" hears "+c.method), c.times)
				o.want(c.method+" on "+told+" with"+option, o.heard("of "+told+" hears "+c.method), there)
			}
			// The cart goes with the session: that is the session listeners' flag.
			there := 1
			if off == sessionFlag {
				there = 0
			}
			o.want("attributeRemoved with the session on a, with"+option, o.heard("of a hears attributeRemoved", "cart"), there)
		})
	}
	withLab(t, replicating, func(o *outside) {
		o.ask("a", "POST /counter")
		o.want("lines without listeners", o.heard("hears"), 0)
	})
}

func TestSessionIDsHaveTheLengthThatIsSet(t *testing.T) {
	for _, c := range []struct {
		option string
		digits int
	}{{"", 32}, {" sessionIdLength=2", 4}, {" sessionIdLength=20", 40}} {
		withLab(t, "nodes a\nmanager StandardManager"+c.option, func(o *outside) {
			o.ask("a", "POST /counter")
			id := strings.TrimSuffix(strings.TrimPrefix(o.cookie, "JSESSIONID="), ".a")
			o.want("digits of an id with"+c.option, len(id), c.digits)
			o.want("what is no hexadecimal digit of it", strings.Trim(id, "0123456789ABCDEF"), "")
		})
	}
}

// What the filter keeps on a node is neither replicated nor sent to a node that
// starts, and not saved at a stop.
func TestAttributesThatMayNotLeaveTheNode(t *testing.T) {
	const shared = "sessionAttributeNameFilter=c|cart"
	cart := func(o *outside, node string) string {
		body, _ := o.ask(node, "GET /session")
		_, after, _ := strings.Cut(body, `"attributes":`)
		var names []string
		for _, name := range []string{"cart", "cart2", "secret"} {
			if strings.Contains(after, `"`+name+`":`) {
				names = append(names, name)
			}
		}
		return strings.Join(names, " ")
	}
	fill := func(o *outside) {
		for _, name := range []string{"cart", "cart2", "secret"} {
			o.ask("a", "POST /set?name="+name+"&value=x")
		}
	}
	withLab(t, "nodes a b\nmanager DeltaManager "+shared+"\ncluster channelSendOptions=6\nvalve JvmRouteBinderValve enabled=no", func(o *outside) {
		fill(o)
		o.want("attributes on a", cart(o, "a"), "cart cart2 secret")
		o.want("attributes on b", cart(o, "b"), "cart")
		if err := o.Kill("b"); err != nil {
			t.Fatal(err)
		}
		o.wait(5 * time.Second)
		if err := o.StartNode("b"); err != nil {
			t.Fatal(err)
		}
		o.wait(20 * time.Second)
		o.want("attributes on b after the state has come", cart(o, "b"), "cart")
	})
	withLab(t, "nodes a\nmanager StandardManager pathname=SESSIONS.ser "+shared, func(o *outside) {
		fill(o)
		if err := o.Restart("a"); err != nil {
			t.Fatal(err)
		}
		o.wait(20 * time.Second)
		o.want("attributes after a restart", cart(o, "a"), "cart")
	})
}

func TestDeltaManagerCountsItsMessages(t *testing.T) {
	withLab(t, replicating, func(o *outside) {
		o.ask("a", "POST /counter")
		o.wait(time.Second)
		a, b := o.Status()[0].Delta, o.Status()[1].Delta
		if a == nil || b == nil {
			t.Fatal("nothing is counted by default")
		}
		o.want("CREATED of a", a.Sent[delta.Created], 1)
		o.want("DELTA to b", b.Received[delta.Delta], 1)
	})
	withLab(t, "nodes a b\nmanager DeltaManager enableStatistics=no", func(o *outside) {
		o.ask("a", "POST /counter")
		if c := o.Status()[0].Delta; c != nil {
			t.Errorf("without enableStatistics: %v, want nothing", c)
		}
	})
}
