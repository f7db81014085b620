package scenarios

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"sessionlab/lab"
	"sessionlab/scenarios/script"
	"sessionlab/scenarios/users"
)

// person is one user to be: who, where, and how.
type person struct {
	name, addr string
	habits     users.Habits
	journey    users.Journey // "" for one who does what the script says
	pace       users.Pace
}

// people are the users of a scenario, those declared by name first.
func people(sc *script.Scenario) ([]person, error) {
	taken, err := machines(sc)
	if err != nil {
		return nil, err
	}
	book := addressBook{taken: taken, written: map[string]bool{}}
	for _, u := range sc.All("user") {
		book.written[u.Text] = true
	}
	var all []person
	house := func(p person, line script.Noun) error {
		if p.addr == "" {
			p.addr = book.free()
		}
		if other := book.taken[p.addr]; other != "" {
			return misplaced(sc, line, "choose another address", "%s has address %s, which is %s's", p.name, p.addr, other)
		}
		book.taken[p.addr] = p.name
		all = append(all, p)
		return nil
	}
	for _, u := range sc.All("user") {
		if err := house(person{name: u.Name, addr: u.Text, habits: habits(u.Options)}, u); err != nil {
			return nil, err
		}
	}
	line := sc.Noun("users")
	for _, p := range population(line) {
		if err := house(p, line); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// population is the crowd of a users line. Its addresses are "" unless the line
// says where they begin.
func population(line script.Noun) []person {
	var addr netip.Addr
	if from := line.Options.String("from", ""); from != "" {
		addr = firstOf(from)
	}
	one := person{
		habits:  habits(line.Options),
		journey: users.Journey(line.Options.String("journey", string(users.Counter))),
		pace:    users.Pace{Think: line.Options.Duration("think", 200*time.Millisecond), Requests: line.Options.Int("requests", 0)},
	}
	crowd := make([]person, line.N)
	for i := range crowd {
		crowd[i] = one
		crowd[i].name = "user" + strconv.Itoa(i+1)
		if addr.IsValid() {
			crowd[i].addr = addr.String()
			addr = addr.Next()
		}
	}
	return crowd
}

// firstOf is the first address of a block, behind that of the network, or the one
// address that is given. The parser has checked it, and the room for all.
func firstOf(from string) netip.Addr {
	if block, err := netip.ParsePrefix(from); err == nil {
		return block.Addr().Next()
	}
	return netip.MustParseAddr(from)
}

// addressBook knows whose the addresses are.
type addressBook struct {
	taken   map[string]string // by address
	written map[string]bool   // on some line: for nobody else
	nth     int               // default address to be tried next
}

// free is the next default address that nobody has.
func (b *addressBook) free() string {
	for {
		addr := lab.DefaultUserAddr(b.nth)
		b.nth++
		if b.taken[addr] == "" && !b.written[addr] {
			return addr
		}
	}
}

// machines are the addresses of the proxy and the nodes, with their names.
func machines(sc *script.Scenario) (map[string]string, error) {
	front := sc.Noun("proxy")
	taken := map[string]string{front.Options.String("addr", lab.DefaultProxyAddr): lab.ProxyName}
	for _, n := range nodePlans(sc) {
		if other := taken[n.Addr]; other != "" {
			line := sc.Named("node", n.Name)
			if line.Word == "" {
				line = sc.Named("node", other)
			}
			if line.Word == "" {
				line = front
			}
			return nil, misplaced(sc, line, "choose another address", "%s and %s both have address %s", other, n.Name, n.Addr)
		}
		taken[n.Addr] = n.Name
	}
	return taken, nil
}

// misplaced is an error at a line of the scenario.
func misplaced(sc *script.Scenario, line script.Noun, hint, format string, args ...any) error {
	return &script.Error{File: sc.Name, Pos: script.Pos{Line: line.Pos.Line, Col: 1}, Text: line.String(), Msg: fmt.Sprintf(format, args...), Hint: hint}
}

func habits(o script.Options) users.Habits {
	return users.Habits{
		NoCookies:   !o.Bool("cookies", true),
		NoKeepAlive: !o.Bool("keepalive", true),
		Timeout:     o.Duration("timeout", 0),
	}
}
