package scenarios_test

import (
	"strings"
	"testing"
	"time"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

// told is a line of the timeline and how often a story has it, each between two
// times.
type told struct {
	text     string
	least    int
	most     int
	from, to time.Duration
}

const second = time.Second

func never(text string) told { return told{text: text} }

func once(text string, from, to time.Duration) told { return told{text, 1, 1, from, to} }

// Two nodes write to one session, alice on tomcat1 and bob on tomcat2, which both
// have connections to each other. By default nobody waits for an acknowledgement.
const (
	twoWriters         = writersNodes + writers
	twoWritersThatWait = writersNodes + "cluster  channelSendOptions=6\n" + writers

	writersNodes = `
nodes    tomcat1 tomcat2
manager  DeltaManager
`
	writers = `valve    JvmRouteBinderValve enabled=no
user     alice
user     bob
user     carol
user     dave
user     eve
alice    POST /set?name=v&value=1  on tomcat1
wait     until quiet
bob      POST /set?name=v&value=2  on tomcat2  cookie=alice
wait     until quiet
`
)

// What a cluster with multicast membership does in trouble. Each row is a kind of
// what was seen with Tomcat 10.1.60, its nodes in network namespaces of their own,
// heartbeats each 0.5 s, dropTime 3 s.
var multicastKinds = []struct {
	name string
	text string
	told []told
}{
	{"a dead member is dropped after dropTime", `
nodes    tomcat1 tomcat2
manager  DeltaManager
at 5s    kill tomcat2
end      15s
`, []told{once("tomcat1 drops tomcat2", 7500*time.Millisecond, 8600*time.Millisecond)}},

	{"a write that waits notices a dead member", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
user     alice
alice    POST /counter  on tomcat1
at 5s    kill tomcat2
at 6s    alice POST /counter  on tomcat1
end      15s
`, []told{once("tomcat1 drops tomcat2", 6*second, 6100*time.Millisecond)}},

	{"a write that does not wait notices nothing", `
nodes    tomcat1 tomcat2
manager  DeltaManager
user     alice
alice    POST /counter  on tomcat1
at 5s    kill tomcat2
at 6s    alice POST /counter  on tomcat1
end      15s
`, []told{once("tomcat1 drops tomcat2", 7500*time.Millisecond, 8600*time.Millisecond)}},

	{"a member that stops is dropped at once", `
nodes    tomcat1 tomcat2
manager  DeltaManager
at 5s    stop tomcat2
end      15s
`, []told{once("tomcat1 drops tomcat2", 5*second, 5200*time.Millisecond)}},

	{"a frozen member is never dropped, and costs a write 5 s", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
user     alice
alice    POST /counter  on tomcat1
wait     until quiet
pause    tomcat2
alice    POST /counter  on tomcat1
wait     9s
resume   tomcat2
wait     1s
expect   alice.copy(tomcat2).count == 2
end      20s
expect   latency.max >= 5s and latency.max < 5100ms
`, []told{never("drops tomcat")}},

	{"a new session waits for a frozen member twice, once for each message", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
user     carol
user     dave
carol    POST /counter  on tomcat1
wait     until quiet
pause    tomcat2
dave     POST /counter  on tomcat1
resume   tomcat2
wait     1s
expect   dave.copies == 2
end      20s
expect   latency.max >= 10s and latency.max < 10200ms
`, []told{never("drops tomcat")}},

	{"heartbeats that are lost in mid-run change nothing", twoWriters + `
partition tomcat1 | tomcat2 over udp
wait     4s
carol    POST /counter  on tomcat1
dave     POST /counter  on tomcat2
wait     4s
expect   carol.copies == 2 and dave.copies == 2
heal
end      20s
`, []told{never("drops tomcat"), {"still accepts connections", 2, 2, 2500 * time.Millisecond, 3700 * time.Millisecond}}},

	{"heartbeats that are lost one way change nothing", twoWriters + `
drop     HEARTBEAT from tomcat2 to tomcat1
wait     8s
carol    POST /counter  on tomcat1
dave     POST /counter  on tomcat2
wait     1s
expect   carol.copies == 2 and dave.copies == 2
end      20s
`, []told{never("drops tomcat")}},

	{"a member under suspicion that dies is dropped by the channel's heartbeat", twoWriters + `
drop     HEARTBEAT from tomcat2 to tomcat1
at 6s    kill tomcat2
end      20s
`, []told{once("tomcat1 drops tomcat2", 6*second, 11100*time.Millisecond)}},

	{"who hears no heartbeat from the start replicates nothing, and is replicated to", `
nodes    tomcat1 tomcat2 cold=yes
manager  DeltaManager
user     alice
user     carol
user     dave
user     eve
drop     HEARTBEAT from tomcat1 to tomcat2
wait     until tomcat1 is up
wait     until tomcat2 is up
wait     1s
carol    POST /counter  on tomcat1
dave     POST /counter  on tomcat2
wait     1s
expect   carol.copies == 2 and dave.copies == 1
release  HEARTBEAT
wait     1s
eve      POST /counter  on tomcat2
wait     1s
expect   eve.copies == 2 and dave.copies == 1
end      20s
`, []told{once("tomcat1 lists tomcat2", 0, 5*second), once("tomcat2 lists tomcat1", 0, 8*second), never("drops tomcat")}},

	{"nodes that never hear of each other are alone", `
nodes    tomcat1 tomcat2 cold=yes
manager  DeltaManager
user     carol
user     dave
drop     HEARTBEAT
wait     until tomcat1 is up
wait     until tomcat2 is up
carol    POST /counter  on tomcat1
wait     1s
expect   carol.copies == 1
release  HEARTBEAT
wait     1s
dave     POST /counter  on tomcat1
wait     1s
expect   carol.copies == 1 and dave.copies == 2
end      20s
`, []told{never("asks tomcat"), {"lists tomcat", 2, 2, 0, 8 * second}}},

	{"after a partition of 10 s the one message that was waited for arrives late", twoWritersThatWait + `
partition tomcat1 | tomcat2
meanwhile alice POST /set?name=v&value=1001  on tomcat1
meanwhile bob   POST /set?name=v&value=2001  on tomcat2  cookie=alice
wait     6s
carol    POST /counter  on tomcat1
alice    POST /set?name=v&value=1002  on tomcat1
bob      POST /set?name=v&value=2002  on tomcat2  cookie=alice
wait     4s
heal
wait     6s
expect   alice.copy(tomcat1).v == 2001 and alice.copy(tomcat2).v == 1001
expect   carol.copies == 1
carol    POST /counter  on tomcat1
wait     1s
expect   carol.copies == 1
alice    POST /set?name=v&value=1003  on tomcat1
wait     1s
expect   alice.copy(tomcat1).v == 1003 and alice.copy(tomcat2).v == 1003
end      25s
expect   latency.max >= 5s and latency.max < 5100ms
`, []told{once("tomcat1 drops tomcat2", 3500*time.Millisecond, 4800*time.Millisecond), once("tomcat2 drops tomcat1", 3500*time.Millisecond, 4800*time.Millisecond),
		once("tomcat1 lists tomcat2", 10*second, 10700*time.Millisecond), once("tomcat2 lists tomcat1", 10*second, 10700*time.Millisecond)}},

	{"nodes that have formed from cold have connections, and what is sent on them in a partition arrives late", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
valve    JvmRouteBinderValve enabled=no
user     alice
user     bob
alice    POST /set?name=v&value=1  on tomcat1
wait     700ms
partition tomcat1 | tomcat2
meanwhile alice POST /set?name=v&value=1001  on tomcat1
meanwhile bob   POST /set?name=v&value=2001  on tomcat2  cookie=alice
wait     6s
alice    POST /set?name=v&value=1002  on tomcat1
bob      POST /set?name=v&value=2002  on tomcat2  cookie=alice
wait     4s
heal
wait     6s
expect   alice.copy(tomcat1).v == 2001 and alice.copy(tomcat2).v == 1001
end      20s
expect   latency.max >= 5s and latency.max < 5100ms
`, []told{{"has waited in vain", 2, 2, 5 * second, 6 * second}, never("tried in vain")}},

	{"what their first messages do not wait for is delivered after a cut of TCP, and nobody notices", `
nodes    tomcat1 tomcat2
manager  DeltaManager
valve    JvmRouteBinderValve enabled=no
user     alice
user     bob
user     ben
alice    POST /set?name=v&value=1  on tomcat1
wait     700ms
partition tomcat1 | tomcat2 over tcp
bob      POST /set?name=v&value=2000  on tomcat2  4 times cookie=alice think=200ms
wait     6s
ben      POST /counter  on tomcat2
bob      POST /set?name=v&value=2001  on tomcat2  cookie=alice
wait     3s
heal
wait     6s
expect   ben.copies == 2 and alice.copy(tomcat1).v >= 2000
end      25s
expect   latency.max < 200ms
`, []told{never("drops tomcat"), never("in vain")}},

	{"a connection that cannot be made in time is no missing acknowledgement", `
nodes    tomcat1 tomcat2
manager  DeltaManager
sender   keepAliveCount=0
user     alice
alice    POST /counter  on tomcat1
wait     700ms
partition tomcat1 | tomcat2 over tcp
alice    POST /counter  on tomcat1
end      10s
expect   latency.max < 200ms
`, []told{once("tomcat1 has tried in vain to connect to tomcat2, and does not send it a DELTA", 5*second, 6*second), never("acknowledge")}},

	{"after a partition of 30 s it has not arrived 6 s later", twoWritersThatWait + `
partition tomcat1 | tomcat2
meanwhile alice POST /set?name=v&value=1001  on tomcat1
meanwhile bob   POST /set?name=v&value=2001  on tomcat2  cookie=alice
wait     6s
alice    POST /set?name=v&value=1002  on tomcat1
bob      POST /set?name=v&value=2002  on tomcat2  cookie=alice
wait     24s
heal
wait     1s
carol    POST /counter  on tomcat1
wait     5s
expect   alice.copy(tomcat1).v == 1002 and alice.copy(tomcat2).v == 2002 and carol.copies == 2
end      60s
`, nil},

	{"a cut of TCP alone is not noticed without acknowledgements, and the values cross", twoWriters + `
partition tomcat1 | tomcat2 over tcp
alice    POST /set?name=v&value=1001  on tomcat1
bob      POST /set?name=v&value=2001  on tomcat2  cookie=alice
wait     6s
carol    POST /counter  on tomcat1
alice    POST /set?name=v&value=1002  on tomcat1
bob      POST /set?name=v&value=2002  on tomcat2  cookie=alice
wait     4s
heal
wait     6s
expect   alice.copy(tomcat1).v >= 2001 and alice.copy(tomcat2).v <= 1002 and carol.copies == 2
end      25s
expect   latency.max < 200ms
`, []told{never("drops tomcat")}},

	{"with acknowledgements a member that TCP does not reach is dropped, until a heartbeat of the channel finds it", twoWritersThatWait + `
partition tomcat1 | tomcat2 over tcp
alice    POST /counter  on tomcat1
alice    POST /counter  on tomcat1
at 20s   heal
wait     21s
carol    POST /counter  on tomcat1
wait     1s
expect   carol.copies == 2
end      40s
expect   latency.max >= 6s and latency.max < 6100ms
`, []told{once("tomcat1 drops tomcat2", 5*second, 7*second), once("tomcat1 lists tomcat2", 20*second, 27*second)}},

	{"one of three is cut off", `
nodes    tomcat1 tomcat2 tomcat3
manager  DeltaManager
cluster  channelSendOptions=6
valve    JvmRouteBinderValve enabled=no
user     alice
user     bob
user     carol
user     dave
alice    POST /set?name=v&value=1  on tomcat1
wait     until quiet
bob      POST /set?name=v&value=2  on tomcat3  cookie=alice
wait     until quiet
partition tomcat3 | tomcat1 tomcat2
meanwhile alice POST /set?name=v&value=1001  on tomcat1
meanwhile bob   POST /set?name=v&value=3001  on tomcat3  cookie=alice
wait     6s
carol    POST /counter  on tomcat1
dave     POST /counter  on tomcat3
alice    POST /set?name=v&value=1002  on tomcat1
wait     4s
heal
wait     6s
expect   alice.copy(tomcat3).v == 1001 and carol.copies == 2 and dave.copies == 1
alice    POST /set?name=v&value=1003  on tomcat2
wait     1s
expect   alice.copies == 3 and alice.copy(tomcat1).v == 1003 and alice.copy(tomcat3).v == 1003
end      25s
`, nil},

	{"after a cut without acknowledgements new sessions wait for the kernel", twoWriters + `
partition tomcat1 | tomcat2
alice    POST /set?name=v&value=1001  on tomcat1  4 times
wait     10s
heal
carol    POST /counter  on tomcat1
wait     1s
dave     POST /counter  on tomcat1
wait     200ms
expect   carol.copies == 1 and dave.copies == 1
wait     5s
expect   carol.copies == 1 and dave.copies == 2
end      25s
expect   latency.max < 200ms
`, []told{once("tomcat1 lists tomcat2", 10*second, 10700*time.Millisecond)}},

	{"who starts while TCP is cut starts at once, without the state", `
nodes    tomcat1 tomcat2
manager  DeltaManager
user     alice
user     carol
at 1s    kill tomcat2
at 6s    partition tomcat1 | tomcat2 over tcp
at 7s    alice POST /counter  on tomcat1
at 8s    start tomcat2
at 22s   heal
at 26s   carol POST /counter  on tomcat1
wait     until tomcat2 is up
wait     28s
expect   alice.copies == 1 and carol.copies == 2
end      45s
expect   latency.max < 200ms
`, []told{once("tomcat2 is up", 10*second, 12*second), never("asks tomcat")}},

	{"of two nodes that start seconds apart the second gets the state", `
nodes    tomcat1 tomcat2
manager  DeltaManager stateTransferTimeout=5s
together kill tomcat1; kill tomcat2
at 1s    start tomcat1
at 3s    start tomcat2
end      20s
`, []told{once("tomcat1 is up", 3500*time.Millisecond, 5*second), once("tomcat2 is up", 5500*time.Millisecond, 7500*time.Millisecond), once("tomcat2 has all sessions of tomcat1", 5*second, 8*second), never("tomcat1 asks")}},

	{"without a route for multicast a server exits at its start", `
nodes    tomcat1 tomcat2
manager  DeltaManager
user     alice
user     carol
at 1s    kill tomcat2
at 2s    together unroute tomcat2; start tomcat2
wait     6s
alice    POST /counter  on tomcat1
expect   alice.copies == 1
heal
start    tomcat2
wait     until tomcat2 is up
carol    POST /counter  on tomcat1
wait     1s
expect   alice.copies == 2 and carol.copies == 2
end      20s
`, []told{once("tomcat2 did not start", 2300*time.Millisecond, 4*second), once("tomcat2 is down", 2300*time.Millisecond, 4*second), once("tomcat2 is up", 8*second, 11*second)}},

	{"a route that is lost in mid-run drops nobody, and the membership begins anew", `
nodes    tomcat1 tomcat2
manager  DeltaManager
user     alice
user     carol
user     dave
alice    POST /counter  on tomcat1
unroute  tomcat2
wait     12s
carol    POST /counter  on tomcat1
dave     POST /counter  on tomcat2
wait     1s
expect   carol.copies == 2 and dave.copies == 2
heal
wait     8s
dave     POST /counter  on tomcat2
wait     1s
expect   dave.copy(tomcat1).count == 2
end      40s
`, []told{once("tomcat2 cannot send heartbeats: network is unreachable", 0, 600*time.Millisecond), once("tomcat1 drops tomcat2", 13*second, 19*second), once("tomcat1 lists tomcat2", 13*second, 19*second), never("tomcat2 drops tomcat1")}},

	{"a restart under writes leaves no hole", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
proxy    round_robin sticky=route
users    5 journey=counter think=100ms
user     carol
at 2s    kill tomcat2
at 2s    start tomcat2
wait     until tomcat2 is up
carol    POST /counter  on tomcat1
wait     1s
expect   carol.copies == 2
end      15s
expect   sessions.rolled_back == 0
`, []told{once("tomcat2 is up", 4500*time.Millisecond, 6*second)}},

	{"a restart under writes after 5 s leaves no hole", `
nodes    tomcat1 tomcat2
manager  DeltaManager
cluster  channelSendOptions=6
proxy    round_robin sticky=route
users    5 journey=counter think=100ms
user     carol
at 2s    kill tomcat2
at 7s    start tomcat2
wait     until tomcat2 is up
carol    POST /counter  on tomcat1
wait     1s
expect   carol.copies == 2
end      20s
expect   sessions.rolled_back == 0
`, []told{once("tomcat2 is up", 9500*time.Millisecond, 11*second)}},
}

func TestMulticastMembershipInTrouble(t *testing.T) {
	for _, k := range multicastKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) {
				r := run(t, k.name, []byte(k.text), "sim", func(*script.Scenario) (world.World, error) { return sim.New(sim.Config{Seed: seed}), nil })
				for _, e := range r.Expectations {
					if e.Holds != report.Holds {
						t.Errorf("seed %d: %s: %s", seed, e.Expr, e.Actual)
					}
				}
				for _, want := range k.told {
					n := 0
					for _, e := range r.Timeline {
						at := time.Duration(e.At)
						if !strings.Contains(e.Text, want.text) {
							continue
						}
						if n++; at < want.from || at > want.to {
							t.Errorf("seed %d: at %v %q, want it between %v and %v", seed, at, e.Text, want.from, want.to)
						}
					}
					if n < want.least || n > want.most {
						t.Errorf("seed %d: %q is told %d times, want %d to %d", seed, want.text, n, want.least, want.most)
					}
				}
				if t.Failed() {
					t.Log(textOf(t, r))
					return
				}
			}
		})
	}
}
