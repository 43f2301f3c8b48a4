package journal

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"
)

const (
	// mark begins an encoded batch. The version follows, as one byte. A field that older programs may leave out needs no new version.
	mark         = "HJ"
	codecVersion = 1
	// maxDecoded is the largest batch in bytes before its compression.
	maxDecoded = 10 << 20
	maxRecords = 8192 // of one kind in a batch
	maxHeaders = 4096 // of an event
)

// ErrVersion says that a newer Hookline wrote a batch.
var ErrVersion = errors.New("a newer version of Hookline wrote this part of the journal: upgrade this program, the one that serves the console, and start it again")

// Codec writes batches as bytes, and reads them: a mark and a version, then CBOR with numbers as keys, compressed by zstd. Times are written to the
// millisecond, durations to the microsecond. It is safe for concurrent use.
type Codec struct {
	enc        cbor.EncMode
	dec        cbor.DecMode
	compress   *zstd.Encoder
	decompress *zstd.Decoder
}

// NewCodec returns a codec. It holds about 2 MB of memory once it has encoded.
func NewCodec() (*Codec, error) {
	var errs [4]error
	c := &Codec{}
	c.enc, errs[0] = cbor.EncOptions{}.EncMode()
	c.dec, errs[1] = cbor.DecOptions{
		UTF8:        cbor.UTF8DecodeInvalid, // headers of strangers hold any bytes
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		MaxNestedLevels: 8, MaxArrayElements: maxRecords, MaxMapPairs: maxHeaders,
	}.DecMode()
	c.compress, errs[2] = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	c.decompress, errs[3] = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoded))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("journal: codec: %w", err)
	}
	return c, nil
}

// Encode returns b as bytes. It returns ErrRefused for a batch that Decode would refuse.
func (c *Codec) Encode(b Batch) ([]byte, error) {
	plain, err := c.enc.Marshal(toWire(b))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: encode: %w", ErrRefused, err)
	case len(plain) > maxDecoded || len(b.Stored) > maxRecords || len(b.Ended) > maxRecords || len(b.Rejected) > maxRecords:
		return nil, fmt.Errorf("%w: encode: %d records of %d bytes, more than a batch holds", ErrRefused, len(b.Stored)+len(b.Ended)+len(b.Rejected), len(plain))
	}
	return c.compress.EncodeAll(plain, append([]byte(mark), codecVersion)), nil
}

// Decode returns the batch of Encode's bytes. It returns ErrVersion for a newer version. Other errors say that the bytes are no batch.
// Input of strangers takes at most about 250 MiB of memory.
func (c *Codec) Decode(data []byte) (Batch, error) {
	packed, ok := bytes.CutPrefix(data, []byte(mark))
	if !ok || len(packed) == 0 {
		return Batch{}, errors.New("journal: decode: no batch")
	}
	if packed[0] != codecVersion {
		return Batch{}, fmt.Errorf("%w (format %d; this program reads %d)", ErrVersion, packed[0], codecVersion)
	}
	plain, err := c.decompress.DecodeAll(packed[1:], nil)
	if err != nil {
		return Batch{}, fmt.Errorf("journal: decode: %w", err)
	}
	var w wireBatch
	if err := c.dec.Unmarshal(plain, &w); err != nil {
		return Batch{}, fmt.Errorf("journal: decode: %w", err)
	}
	return w.batch(), nil
}

// Close frees the codec's memory.
func (c *Codec) Close() { c.decompress.Close() }
