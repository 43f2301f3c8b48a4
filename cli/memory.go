package cli

import (
	"errors"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// memoryRatio is the part of a container's memory that Go's heap may take. Go does not count the rest.
const memoryRatio = 0.9

// limitMemory sets Go's soft memory limit by the cgroup's limit, as GOMEMLIMIT does. GOMEMLIMIT wins. Without a cgroup's limit it
// does nothing.
func limitMemory(log *zap.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryRatio), memlimit.WithProvider(memlimit.FromCgroup))
	if err != nil && !errors.Is(err, memlimit.ErrNoCgroup) && !errors.Is(err, memlimit.ErrNoLimit) && !errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		log.Debug("the cgroup's memory limit cannot be read", zap.Error(err))
	}
	if limit > 0 {
		log.Debug("memory limit set", zap.Int64("bytes", limit))
	}
}
