package journal

import "context"

// StreamSink encodes batches for a stream, which a Reader reads.
type StreamSink struct {
	codec  *Codec
	append func(ctx context.Context, batch []byte) error
}

// NewStreamSink returns a sink that gives each batch to append, as bytes. append returns an error that wraps ErrRefused for a batch that
// the stream will never take.
func NewStreamSink(append func(ctx context.Context, batch []byte) error) (*StreamSink, error) {
	codec, err := NewCodec()
	if err != nil {
		return nil, err
	}
	return &StreamSink{codec: codec, append: append}, nil
}

// Append implements Sink.
func (s *StreamSink) Append(ctx context.Context, b Batch) error {
	data, err := s.codec.Encode(b)
	if err != nil {
		return err
	}
	return s.append(ctx, data)
}
