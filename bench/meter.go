package main

import (
	"os"
	"runtime"
	"time"
)

// meter reads what the hub and the machine spend between its start and stop.
type meter struct {
	hub  int   // pid
	ours []int // pids of the hub, the sink and the driver
	from reading
}

type reading struct {
	at      time.Time
	hub     time.Duration
	ours    time.Duration
	machine machineCPU
}

// usage is what was spent between start and stop of a meter.
type usage struct {
	cpu      time.Duration // user and system time of the hub
	memory   memory        // of the hub, at the stop
	others   float64       // share of all cores, 0…1, that processes other than hub, sink and driver took: noise
	duration time.Duration
}

func startMeter(h *hubProcess, s *sinkProcess) (*meter, error) {
	m := &meter{hub: h.pid(), ours: []int{h.pid(), s.child.cmd.Process.Pid, os.Getpid()}}
	var err error
	m.from, err = m.read()
	return m, err
}

func (m *meter) read() (reading, error) {
	r := reading{at: time.Now()}
	var err error
	if r.machine, err = readMachineCPU(); err != nil {
		return r, err
	}
	for _, pid := range m.ours {
		cpu, err := processCPU(pid)
		if err != nil {
			return r, err
		}
		if r.ours += cpu; pid == m.hub {
			r.hub = cpu
		}
	}
	return r, nil
}

// stop reads again. The hub must still run: memory is gone with the process.
func (m *meter) stop() (usage, error) {
	to, err := m.read()
	if err != nil {
		return usage{}, err
	}
	u := usage{cpu: to.hub - m.from.hub, duration: to.at.Sub(m.from.at)}
	if u.memory, err = processMemory(m.hub); err != nil {
		return usage{}, err
	}
	busy := to.machine.busy - m.from.machine.busy - (to.ours - m.from.ours)
	if all := u.duration * time.Duration(runtime.NumCPU()); all > 0 {
		u.others = max(0, float64(busy)/float64(all))
	}
	return u, nil
}
