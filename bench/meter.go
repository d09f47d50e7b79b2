package main

import (
	"os"
	"runtime"
	"time"
)

// meter reads what the hubs, their database and the machine spend between its start and stop.
type meter struct {
	hubs     []int // pids
	database int   // pid of the server's first process; 0: the database is part of the hub
	harness  []int // pids of the sink and the driver
	from     reading
}

type reading struct {
	at       time.Time
	hubs     time.Duration
	database time.Duration
	harness  time.Duration
	machine  machineCPU
}

// usage is what was spent between start and stop of a meter.
type usage struct {
	hubs     time.Duration // user and system time of the hubs
	database time.Duration // the same of the server's processes; 0 when the database is part of the hub
	memory   memory        // of the hubs, at the stop, summed up
	server   int64         // bytes of the server's processes, at the stop
	others   float64       // share of all cores, 0…1, that other processes than all these took: noise
	duration time.Duration
}

func startMeter(st *stage) (*meter, error) {
	m := &meter{harness: []int{st.sink.child.cmd.Process.Pid, os.Getpid()}}
	for _, h := range st.hubs {
		m.hubs = append(m.hubs, h.pid())
	}
	if st.db != nil {
		m.database = st.db.server.postmaster
	}
	var err error
	m.from, err = m.read()
	return m, err
}

func (m *meter) read() (r reading, err error) {
	r.at = time.Now()
	if r.machine, err = readMachineCPU(); err != nil {
		return r, err
	}
	if r.hubs, err = sumCPU(m.hubs); err != nil {
		return r, err
	}
	if r.harness, err = sumCPU(m.harness); err != nil || m.database == 0 {
		return r, err
	}
	server, err := processFamily(m.database)
	r.database = server.cpu
	return r, err
}

func sumCPU(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		cpu, err := processCPU(pid)
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// stop reads again. The hubs must still run: memory is gone with the process.
func (m *meter) stop() (usage, error) {
	to, err := m.read()
	if err != nil {
		return usage{}, err
	}
	u := usage{hubs: to.hubs - m.from.hubs, database: to.database - m.from.database, duration: to.at.Sub(m.from.at)}
	for _, pid := range m.hubs {
		of, err := processMemory(pid)
		if err != nil {
			return usage{}, err
		}
		u.memory.resident += of.resident
		u.memory.peak += of.peak
	}
	if m.database != 0 {
		server, err := processFamily(m.database)
		if err != nil {
			return usage{}, err
		}
		if u.server, err = server.memory(); err != nil {
			return usage{}, err
		}
	}
	busy := to.machine.busy - m.from.machine.busy - u.hubs - u.database - (to.harness - m.from.harness)
	if all := u.duration * time.Duration(runtime.NumCPU()); all > 0 {
		u.others = max(0, float64(busy)/float64(all))
	}
	return u, nil
}
