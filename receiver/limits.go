package receiver

import "time"

// Limits bounds the resources that strangers can take. In every number 0 means the default.
type Limits struct {
	// MaxConnections is how many connections are open at once. For more, the longest idle one gives way; without an idle one they wait. One
	// address (of IPv6, one network of 64 bits) has at most half of them, unless it is a trusted proxy.
	MaxConnections int `yaml:"max_connections" schema:"minimum=1"`
	// MaxRequests is how many events are taken in at once; more are answered 503 unread. One client has at most half of them, one source
	// of several three quarters.
	MaxRequests int `yaml:"max_requests" schema:"minimum=1"`
	// MaxMemory is the memory in bytes for bodies above 64 KiB; a body that finds no room is answered 503. Smaller bodies always have room.
	// It is at least the largest max_body. One client has at most half of it, one source of several three quarters, and both room for one body.
	MaxMemory int64 `yaml:"max_memory" schema:"minimum=1048576"`
	// MinBodyRate is the least rate of a body in bytes a second, after its first 3 s; a slower one is answered 408.
	MinBodyRate int `yaml:"min_body_rate" schema:"minimum=1"`
	// MaxHeaderBytes is the size in bytes of a request's headers; more are answered 431.
	MaxHeaderBytes int `yaml:"max_header_bytes" schema:"minimum=1024"`
	// ReadHeaderTimeout is the longest time for a request's headers; then the connection ends.
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	// ReadTimeout is the longest time for a whole request that names no source. A request for a source has the source's deadline.
	ReadTimeout time.Duration `yaml:"read_timeout"`
	// IdleTimeout is how long an unused connection stays open.
	IdleTimeout time.Duration `yaml:"idle_timeout"`
}

// DefaultLimits returns the limits of a configuration that sets none.
func DefaultLimits() Limits {
	return Limits{
		MaxConnections: 4096, MaxRequests: 2048, MaxMemory: 256 << 20, MaxHeaderBytes: 16 << 10, MinBodyRate: 4 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
}
