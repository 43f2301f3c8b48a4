package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine describes the machine of the measurement in one line.
func (b *bench) machine() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores of %s, %s of memory, Linux %s, %s, RabbitMQ %s (one node on the same machine, quorum queues)",
		runtime.NumCPU(), field("/proc/cpuinfo", "model name"), memory(), strings.TrimSpace(string(release)), runtime.Version(), b.about.Version)
}

func memory() string {
	var kib float64
	_, _ = fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%f kB", &kib)
	return fmt.Sprintf("%.0f GiB", kib/1024/1024)
}

func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// footing describes the conditions of a section, from its start and the machine's CPU time at that moment.
func (b *bench) footing(began time.Time, before time.Duration) string {
	after, err := busy()
	if err != nil {
		return ""
	}
	cores := float64(after-before) / float64(time.Since(began))
	short := ""
	if b.quick {
		short = " short"
	}
	return fmt.Sprintf("\nMeasured on %s in %d%s rounds, %.0f s, with %.1f cores busy and a load average of %s. %s.\n",
		began.UTC().Format(time.DateOnly), b.rounds, short, time.Since(began).Seconds(), cores, loadAverage(), b.machine())
}

// loadAverage returns the load average of the last five minutes.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		return fields[1]
	}
	return "unknown"
}
