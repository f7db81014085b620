package scenarios

import (
	"fmt"
	"slices"

	"sessionlab/proxy/conf"
	"sessionlab/scenarios/script"
)

// Notes are what a person should know about a scenario before it runs, each with
// its place: directives of an attached nginx.conf that are not simulated, nginx's
// own warnings, and lines about a cluster that no cell has.
func Notes(sc *script.Scenario) []string {
	return append(conferred(sc), unread(sc)...)
}

// conferred are the notes on an attached nginx.conf.
func conferred(sc *script.Scenario) []string {
	if _, attached := sc.Attachment(NginxConf); !attached {
		return nil
	}
	_, found, err := readAttached(sc, nodePlans(sc))
	if err != nil {
		return nil // Check tells
	}
	var notes []string
	for _, d := range found {
		if d.Kind != conf.NoEffect {
			notes = append(notes, d.String())
		}
	}
	return notes
}

// unread are the lines about replication where no cell replicates.
func unread(sc *script.Scenario) []string {
	for _, cell := range sc.Cells() {
		if managerPlan(cell.Scenario).Class == "DeltaManager" {
			return nil
		}
	}
	var notes []string
	for _, n := range sc.Nouns {
		if slices.Contains(ofCluster, n.Word) || n.Word == "valve" {
			notes = append(notes, fmt.Sprintf("%s:%d: nothing reads this %s line: StandardManager does not replicate, DeltaManager does", sc.Name, n.Pos.Line, n.Word))
		}
	}
	return notes
}
