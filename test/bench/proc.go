package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuOf returns the CPU time of a process and its children on all cores. It asks the process's CPU clock, which is exact;
// /proc/PID/stat counts in steps of 10 ms.
func cpuOf(pid int) (time.Duration, error) {
	var spent unix.Timespec
	clock := int32(^pid<<3 | 2) // clock_getcpuclockid(3), as Linux numbers these clocks
	if err := unix.ClockGettime(clock, &spent); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	sum := time.Duration(spent.Nano())
	for _, child := range childrenOf(pid) {
		if more, err := cpuOf(child); err == nil { // it may have ended just now
			sum += more
		}
	}
	return sum, nil
}

func childrenOf(pid int) (children []int) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// memoryOf returns the current and the peak memory of a process, in MiB.
func memoryOf(pid int) (now, peak float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	return now, peak, nil
}

// busy returns the CPU time of all processes of the machine since its start.
func busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first)
	var ticks int64
	for _, at := range []int{1, 2, 3, 6, 7} { // user, nice, system, irq, softirq: proc_stat(5)
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
