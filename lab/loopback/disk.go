package loopback

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// disks is the directory under which every machine has one of its own. It is
// made when a machine first writes.
type disks struct {
	calls chan struct{} // one in it for each call under way

	mu   sync.Mutex
	root string
}

// disk is the directory of one machine. A file's name there is its name with
// everything but letters, digits and a few signs escaped, so that no name can
// lead outside and "a" may lie beside "a/b".
type disk struct {
	disks *disks
	dir   string
}

// mostDiskCalls is how many threads of the system may wait for the disk at a time.
const mostDiskCalls = 8

// quickly runs f, which waits in the system with a thread of its own.
func (d *disk) quickly(f func(*disk) error) error {
	d.disks.calls <- struct{}{}
	defer func() { <-d.disks.calls }()
	return f(d)
}

// path is the machine's directory, made if it is missing.
func (d *disk) path() (string, error) {
	d.disks.mu.Lock()
	defer d.disks.mu.Unlock()
	if d.disks.root == "" {
		root, err := os.MkdirTemp("", "sessionlab-")
		if err != nil {
			return "", fmt.Errorf("%w: %w", errNoDisk, err)
		}
		d.disks.root = root
	}
	dir := filepath.Join(d.disks.root, d.dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", errNoDisk, err)
	}
	return dir, nil
}

// remove deletes every disk, when no machine is left to write.
func (ds *disks) remove() error {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.root == "" {
		return nil
	}
	root := ds.root
	ds.root = ""
	return os.RemoveAll(root)
}

// unfinished starts the names of files being written; no escaped name does.
const unfinished = "%-"

func (d *disk) file(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." {
		return "", fs.ErrInvalid
	}
	dir, err := d.path()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, url.PathEscape(name)), nil
}

func (d *disk) read(name string) (data []byte, err error) {
	file, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// write replaces a file by renaming a finished one over it.
func (d *disk) write(name string, data []byte) error {
	file, err := d.file(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), unfinished)
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

func (d *disk) remove(name string) error {
	file, err := d.file(name)
	if err != nil {
		return err
	}
	return os.Remove(file)
}

func (d *disk) list(prefix string) ([]string, error) {
	dir, err := d.path()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name, err := url.PathUnescape(e.Name())
		if err == nil && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// ReadDisk implements world.World.
func (w *World) ReadDisk(machine, file string) ([]byte, error) {
	w.mu.Lock()
	m := w.machines[machine]
	w.mu.Unlock()
	if m == nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	data, err := m.disk.read(file)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: cause(err)}
	}
	return data, nil
}

// hostDisk is the disk as one incarnation may use it. It implements
// world.Disk.
type hostDisk struct{ host *host }

func (d hostDisk) do(op, name string, f func(*disk) error) error {
	err := d.host.effect(func() error { return d.host.machine.disk.quickly(f) })
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: cause(d.host.enough(err, op, name))}
	}
	return nil
}

// cause is what went wrong, without the path on this machine.
func cause(err error) error {
	switch err := err.(type) {
	case *fs.PathError:
		return err.Err
	case *os.LinkError:
		return err.Err
	}
	return err
}

func (d hostDisk) ReadFile(name string) (data []byte, err error) {
	err = d.do("open", name, func(d *disk) error {
		var err error
		data, err = d.read(name)
		return err
	})
	return data, err
}

func (d hostDisk) WriteFile(name string, data []byte) error {
	return d.do("write", name, func(d *disk) error { return d.write(name, data) })
}

func (d hostDisk) Remove(name string) error {
	return d.do("remove", name, func(d *disk) error { return d.remove(name) })
}

func (d hostDisk) List(prefix string) (names []string, err error) {
	err = d.do("list", prefix, func(d *disk) error {
		var err error
		names, err = d.list(prefix)
		return err
	})
	return names, err
}
