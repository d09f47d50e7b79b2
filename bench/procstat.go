package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every architecture Go runs on (proc_pid_stat(5), time(7)).
const tick = 10 * time.Millisecond

// processCPU is the user and system time that the process has spent, without its children. It works on Linux only.
func processCPU(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// stat is what /proc/PID/stat says of a process.
type stat struct {
	parent   int
	own      time.Duration // user and system time
	children time.Duration // the same of its children that ended and were waited for
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(b)
}

// parseStat reads fields 4 (ppid) and 14 to 17 (utime, stime, cutime, cstime) of /proc/PID/stat. Field 2, the command in
// parentheses, may itself contain spaces and parentheses, so counting starts behind the last closing one.
func parseStat(b []byte) (stat, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return stat{}, errors.New("stat: no command")
	}
	fields := bytes.Fields(b[end+1:]) // fields[0] is field 3
	if len(fields) < 15 {
		return stat{}, errors.New("stat: too few fields")
	}
	var n [5]int64
	for i, field := range []int{1, 11, 12, 13, 14} {
		var err error
		if n[i], err = strconv.ParseInt(string(fields[field]), 10, 64); err != nil {
			return stat{}, fmt.Errorf("stat: field %d: %w", field+3, err)
		}
	}
	return stat{parent: int(n[0]), own: time.Duration(n[1]+n[2]) * tick, children: time.Duration(n[3]+n[4]) * tick}, nil
}

// memory is a process's resident memory, in bytes.
type memory struct {
	resident int64 // VmRSS: now
	peak     int64 // VmHWM: the most so far

	// The parts of resident: its own, that of mapped files, that which it shares with other processes.
	private, files, shared int64 // RssAnon, RssFile, RssShmem
}

// errNoMemory is what a process gives that has ended and is not waited for yet.
var errNoMemory = errors.New("status: no VmRSS or VmHWM")

func processMemory(pid int) (memory, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseStatus(b)
}

// parseStatus reads the resident sizes of /proc/PID/status, which are in KiB (proc_pid_status(5)).
func parseStatus(b []byte) (memory, error) {
	var m memory
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		into := map[string]*int64{
			"VmRSS": &m.resident, "VmHWM": &m.peak, "RssAnon": &m.private, "RssFile": &m.files, "RssShmem": &m.shared,
		}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("status: %s: %w", name, err)
		}
		*into = kib << 10
	}
	if m.peak == 0 || m.resident == 0 {
		return memory{}, errNoMemory
	}
	return m, lines.Err()
}

// machineCPU is the time all cores together have spent since boot: busy is everything but idle and waiting for I/O,
// and includes what a hypervisor took away.
type machineCPU struct{ busy, all time.Duration }

func readMachineCPU() (machineCPU, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineCPU{}, err
	}
	return parseMachineStat(b)
}

// parseMachineStat reads the first line of /proc/stat: user nice system idle iowait irq softirq steal. Guest times, which
// follow, are contained in user and nice.
func parseMachineStat(b []byte) (machineCPU, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 || fields[0] != "cpu" {
		return machineCPU{}, errors.New("stat: no cpu line")
	}
	var m machineCPU
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return machineCPU{}, fmt.Errorf("stat: %w", err)
		}
		d := time.Duration(n) * tick
		m.all += d
		if i != 3 && i != 4 {
			m.busy += d
		}
	}
	return m, nil
}
