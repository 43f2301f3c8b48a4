package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxPacked bounds the memory of one body that is read.
const maxPacked = 256 << 20

var errPacked = errors.New("a stored body has a wrong form")

// packer compresses headers and bodies. A packed event is the length of its headers, its headers as JSON, and its body.
type packer struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newPacker() (*packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPacked))
	return &packer{encoder, decoder}, err
}

func (p *packer) pack(header map[string]string, data []byte) ([]byte, error) {
	head := []byte{}
	if len(header) > 0 {
		var err error
		if head, err = json.Marshal(header); err != nil {
			return nil, err
		}
	}
	plain := binary.AppendUvarint(make([]byte, 0, len(head)+len(data)+8), uint64(len(head)))
	plain = append(append(plain, head...), data...)
	return p.encoder.EncodeAll(plain, nil), nil
}

func (p *packer) unpack(packed []byte) (header map[string]string, data []byte, err error) {
	plain, err := p.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	length, n := binary.Uvarint(plain)
	if n <= 0 || length > uint64(len(plain)-n) {
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, errPacked)
	}
	head, data := plain[n:n+int(length)], plain[n+int(length):]
	if len(head) > 0 {
		err = json.Unmarshal(head, &header)
	}
	return header, data, err
}
