package sim

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// disk is a machine's disk: files by name.
type disk map[string][]byte

// hostDisk is the disk as one incarnation may use it.
type hostDisk struct{ h *host }

func (d hostDisk) check(op, name string) error {
	if err := d.h.enter(); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !fs.ValidPath(name) || name == "." {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

func (d hostDisk) ReadFile(name string) ([]byte, error) {
	if err := d.check("open", name); err != nil {
		return nil, err
	}
	return d.h.disk.read(name)
}

func (d disk) read(name string) ([]byte, error) {
	data, ok := d[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(data), nil
}

// ReadDisk implements world.World.
func (w *World) ReadDisk(machine, file string) ([]byte, error) {
	m := w.machines[machine]
	if m == nil {
		return disk{}.read(file)
	}
	return m.disk.read(file)
}

func (d hostDisk) WriteFile(name string, data []byte) error {
	if err := d.check("write", name); err != nil {
		return err
	}
	d.h.disk[name] = slices.Clone(data)
	return nil
}

func (d hostDisk) Remove(name string) error {
	if err := d.check("remove", name); err != nil {
		return err
	}
	if _, ok := d.h.disk[name]; !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(d.h.disk, name)
	return nil
}

func (d hostDisk) List(prefix string) ([]string, error) {
	if err := d.h.enter(); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	var names []string
	for name := range d.h.disk {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
