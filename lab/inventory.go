package lab

import (
	"sessionlab/appnode"
	"sessionlab/sessions"
)

// Holding is a copy of a session that some machine has.
type Holding struct {
	Host string
	File string // on the disk of Host; "" for a copy in memory
	appnode.Copy
}

// Inventory is every copy of a session that is left, by node: in the memory of
// those that run, frozen or cut off as they may be, and in the files on all disks.
// Looking changes nothing.
func (l *Lab) Inventory() []Holding {
	var all []Holding
	for _, name := range l.names {
		if app := l.Node(name); app != nil {
			for _, c := range app.Copies() {
				all = append(all, Holding{Host: name, Copy: c})
			}
		}
		file := l.sessionFile()
		if file == "" {
			continue
		}
		data, err := l.world.ReadDisk(name, file)
		if err != nil {
			continue // there is none
		}
		states, _ := sessions.DecodeList(data) // of a file that cannot be read nothing will come back
		for _, st := range states {
			if st.Valid {
				all = append(all, Holding{Host: name, File: file, Copy: appnode.Copy{State: st}})
			}
		}
	}
	return all
}

// sessionFile is where a node saves its sessions, "" if it saves none.
func (l *Lab) sessionFile() string {
	switch p := &l.plan.Manager; {
	case p.clustered():
		return ""
	case p.Pathname != nil:
		return *p.Pathname
	}
	return l.plan.Tomcat.Pathname
}
