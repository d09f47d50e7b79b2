package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A database server is many processes: one that stays, and its children, which come and go.

// family is a process and its children, at one moment.
type family struct {
	pids []int
	cpu  time.Duration // of all, and of the children that ended before
}

// processFamily finds the children of the process root and adds up what they spent. It works on Linux only.
func processFamily(root int) (family, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return family{}, err
	}
	s, err := readStat(root)
	if err != nil {
		return family{}, err
	}
	f := family{pids: []int{root}, cpu: s.own + s.children}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // no process
		}
		s, err := readStat(pid)
		if err != nil && !hasEnded(err) {
			return family{}, err
		}
		if err == nil && s.parent == root {
			f.pids = append(f.pids, pid)
			f.cpu += s.own + s.children
		}
	}
	return f, nil
}

// memory is what the family holds, in bytes: the processes' own memory, and what they share, mapped files and the like,
// counted once, as the process does that has touched most of it.
func (f family) memory() (int64, error) {
	var private, files, shared int64
	for i, pid := range f.pids {
		m, err := processMemory(pid)
		if err != nil && (i == 0 || !hasEnded(err)) {
			return 0, err
		}
		private += m.private
		files, shared = max(files, m.files), max(shared, m.shared)
	}
	return private + files + shared, nil
}

// hasEnded reports that the process of a file in /proc is gone, or going: proc(5).
func hasEnded(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, errNoMemory)
}
