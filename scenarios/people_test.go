package scenarios_test

import (
	"context"
	"strings"
	"testing"

	"sessionlab/scenarios"
	"sessionlab/scenarios/script"
)

// addresses are those of a scenario's users, in its order.
func addresses(t *testing.T, nouns string) string {
	t.Helper()
	sc, err := script.Parse("people", []byte(nouns+"end 1s\n"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := inSim(sc)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	err = scenarios.Up(sc, scenarios.Options{World: w}, func(_ context.Context, live *scenarios.Live) error {
		for _, u := range live.Users() {
			list = append(list, u.Name+" "+u.Addr)
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return strings.Join(list, ", ")
}

func TestEveryUserHasAnAddress(t *testing.T) {
	for _, row := range []struct{ name, nouns, want string }{
		{"a network each", "nodes 1\nuser alice\nuser bob\n", "alice 10.0.1.7, bob 10.0.2.7"},
		{"one who is named last keeps what is written", "nodes 1\nuser bob\nuser alice from 10.0.1.7\n", "bob 10.0.2.7, alice 10.0.1.7"},
		{"a machine may sit on a default", "nodes 1\nnode tomcat1 addr=10.0.1.7\nuser alice\n", "alice 10.0.2.7"},
		{"a crowd behind the named ones", "nodes 1\nuser alice\nusers 2\n", "alice 10.0.1.7, user1 10.0.2.7, user2 10.0.3.7"},
		{"a crowd in a block", "nodes 1\nuser alice\nusers 2 from=10.1.1.0/24\n", "alice 10.0.1.7, user1 10.1.1.1, user2 10.1.1.2"},
		{"a crowd from an address on", "nodes 1\nusers 2 from=10.1.1.9\n", "alice 10.0.1.7, user1 10.1.1.9, user2 10.1.1.10"},
		{"an address of the block is taken", "nodes 1\nuser alice from 10.1.1.2\nusers 2 from=10.1.1.0/24\n",
			"people:3:1: user2 has address 10.1.1.2, which is alice's"},
		{"a user on a node", "nodes 1\nuser alice from 172.16.12.101\n", "people:2:1: alice has address 172.16.12.101, which is tomcat1's"},
		{"two nodes on an address", "nodes 2\nnode tomcat1 addr=172.16.12.102\n", "people:2:1: tomcat1 and tomcat2 both have address 172.16.12.102"},
		{"a node on the proxy", "nodes 1\nproxy addr=172.16.12.101\n", "people:2:1: proxy and tomcat1 both have address 172.16.12.101"},
	} {
		got, _, _ := strings.Cut(addresses(t, row.nouns), "\n")
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
