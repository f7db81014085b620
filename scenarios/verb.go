package scenarios

import (
	"fmt"

	"sessionlab/lab/fault"
	"sessionlab/scenarios/script"
)

func (r *run) verb(st script.Statement, v script.Verb) error {
	if v.Name == "heal" {
		at := r.now()
		r.lab.Faults().Heal()
		r.tell(at, st, "heal", "", "the network is whole again")
		return nil
	}
	if v.Name == "unroute" {
		for _, host := range v.Hosts {
			at := r.now()
			r.parted(st, r.lab.Faults().Unroute(host))
			r.tell(at, st, "unroute", host, host+" has no route for multicast")
		}
		return nil
	}
	do := map[string]func(string) error{
		"kill": r.lab.Kill, "stop": r.lab.Stop, "start": r.lab.StartNode,
		"restart": r.lab.Restart, "pause": r.lab.Pause, "resume": r.lab.Resume,
	}[v.Name]
	if do == nil {
		return fmt.Errorf("nothing is known of %q", v.Name)
	}
	for _, host := range v.Hosts {
		s := r.strikes(st, v.Name, host)
		if err := do(host); err != nil {
			r.missed(s)
			return err
		}
	}
	return nil
}

func (r *run) rule(st script.Statement, a script.Rule) {
	at := r.now()
	if a.Verb == "release" {
		r.lab.Faults().Release(a.Kind, a.Link.From, a.Link.To)
		r.tell(at, st, "release", "", a.String())
		return
	}
	added := r.lab.Faults().Add(fault.Rule{
		Verb: map[string]fault.Verb{"hold": fault.Hold, "drop": fault.Drop, "delay": fault.Delay, "duplicate": fault.Duplicate}[a.Verb],
		Kind: a.Kind, From: a.Link.From, To: a.Link.To,
		Percent: a.Percent, Count: a.Count, By: a.By, Spread: a.Spread,
	})
	r.tell(at, st, a.Verb, "", a.String())
	r.mu.Lock()
	r.touches.rules = append(r.touches.rules, ruleAt{added, st})
	r.mu.Unlock()
}
