package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"sessionlab/scenarios/report"
	"sessionlab/scenarios/script"
)

//go:embed library/*.txt
var library embed.FS

const suffix = ".txt"

// Entry is a scenario that comes with the program.
type Entry struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Worlds []string `json:"worlds"`
	// Takes is how long all its cells last, of the lab's time.
	Takes report.Millis `json:"takes_ms"`
}

// Library lists the scenarios that come with the program, in order of their names.
func Library() []Entry {
	var all []Entry
	for _, name := range Names() {
		sc, err := Load(name)
		if err != nil {
			panic(fmt.Sprintf("scenarios: library: %v", err))
		}
		e := Entry{Name: name, Title: sc.Title(), Worlds: sc.Worlds()}
		for _, cell := range sc.Cells() {
			e.Takes += report.Millis(cell.Scenario.End)
		}
		all = append(all, e)
	}
	return all
}

// Names are the names of the library's scenarios, in order.
func Names() []string {
	files, err := fs.ReadDir(library, "library")
	if err != nil {
		panic("scenarios: the library is not embedded: " + err.Error())
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), suffix)
	}
	slices.Sort(names) // files are in order with their suffix
	return names
}

// Source is the text of a scenario of the library; ok is false for a name that
// it does not have.
func Source(name string) (text []byte, ok bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	text, err := library.ReadFile("library/" + name + suffix)
	return text, err == nil
}

// Load parses a scenario of the library.
func Load(name string) (*script.Scenario, error) {
	text, ok := Source(name)
	if !ok {
		return nil, fmt.Errorf("unknown scenario %q", name)
	}
	return script.Parse(name+suffix, text)
}
