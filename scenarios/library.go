package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

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
}

// Library lists the scenarios that come with the program, by name.
func Library() []Entry {
	files, err := fs.ReadDir(library, "library")
	if err != nil {
		panic("scenarios: the library is not embedded: " + err.Error())
	}
	var all []Entry
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), suffix)
		sc, err := Load(name)
		if err != nil {
			panic(fmt.Sprintf("scenarios: library: %v", err))
		}
		all = append(all, Entry{Name: name, Title: sc.Title(), Worlds: sc.Worlds()})
	}
	return all
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

// Names are the names of the library's scenarios.
func Names() []string {
	var names []string
	for _, e := range Library() {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return names
}
