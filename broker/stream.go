package broker

import "context"

// Stream carries batches of the journal from all processes to those that read them. Only a broker on a server has one.
type Stream interface {
	// AppendStream returns nil when the batch is on the stream. After ErrRejected it never will be. After another error it may be there:
	// appended again, it can be on the stream twice. Call it for one batch at a time.
	AppendStream(ctx context.Context, batch []byte) error
	// ReadStream calls fn for each batch behind the offset after, in order, until ctx ends; -1 begins with the first one. It reconnects
	// by itself. If batches before this one are missing, missed says why: they have aged out, or the stream was deleted and its offsets
	// begin again; else it is empty. Offsets ascend, and not always by 1. The error of fn ends ReadStream and is returned.
	ReadStream(ctx context.Context, after int64, fn func(offset int64, batch []byte, missed string) error) error
}
