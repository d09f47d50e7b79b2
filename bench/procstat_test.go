package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	line := "42 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 150 25 7 8 20 0 9 0 100 200 300"
	want := stat{parent: 1, own: 1750 * time.Millisecond, children: 150 * time.Millisecond}
	if got, err := parseStat([]byte(line)); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{
		"", "42 (x) R 1 2", "42 (x) R 1 2 3 4 5 6 7 8 9 10 u 25 7 8", "42 (x) R 1 2 3 4 5 6 7 8 9 10 1 s 7 8",
		"42 (x) R p 2 3 4 5 6 7 8 9 10 1 2 7 8", "42 (x) R 1 2 3 4 5 6 7 8 9 10 1 2 7",
	} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	text := "Name:\thub\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t 512 kB\nRssFile:\t 384 kB\nRssShmem:\t 128 kB\nThreads:\t9\n"
	want := memory{resident: 1 << 20, peak: 2 << 20, private: 512 << 10, files: 384 << 10, shared: 128 << 10}
	if got, err := parseStatus([]byte(text)); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "VmHWM: 1 kB\n", "VmHWM: x kB\nVmRSS: 1 kB\n"} {
		if _, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseMachineStat(t *testing.T) {
	text := "cpu  1 2 3 400 50 6 7 8 9 0\ncpu0 1 2 3 4\n"
	want := machineCPU{busy: 27 * tick, all: 477 * tick}
	if got, err := parseMachineStat([]byte(text)); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 4 5 6 7 x\n"} {
		if _, err := parseMachineStat([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// The live files have the form that the parsers expect, and CPU time grows with work.
func TestOwnProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here: the harness measures on Linux only")
	}
	m, err := processMemory(os.Getpid())
	if err != nil || m.peak < m.resident || m.resident < 1<<20 {
		t.Errorf("memory %+v, %v", m, err)
	}
	if _, err := readMachineCPU(); err != nil {
		t.Error(err)
	}
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for after := before; after < before+2*tick; {
		if after, err = processCPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
}
