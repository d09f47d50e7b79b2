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
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(b)
}

// parseStat reads fields 14 (utime) and 15 (stime) of /proc/PID/stat. Field 2, the command in parentheses, may itself
// contain spaces and parentheses, so counting starts behind the last closing one.
func parseStat(b []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return 0, errors.New("stat: no command")
	}
	fields := bytes.Fields(b[end+1:]) // fields[0] is field 3
	if len(fields) < 13 {
		return 0, errors.New("stat: too few fields")
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stat: utime: %w", err)
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stat: stime: %w", err)
	}
	return time.Duration(user+system) * tick, nil
}

// memory is a process's resident memory, in bytes.
type memory struct {
	resident int64 // VmRSS: now
	peak     int64 // VmHWM: the most so far
}

func processMemory(pid int) (memory, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	return parseStatus(b)
}

// parseStatus reads VmRSS and VmHWM of /proc/PID/status, which are in KiB.
func parseStatus(b []byte) (memory, error) {
	var m memory
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		into := map[string]*int64{"VmRSS": &m.resident, "VmHWM": &m.peak}[name]
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
		return memory{}, errors.New("status: no VmRSS or VmHWM")
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
