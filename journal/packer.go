package journal

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxPacked bounds the memory of one body that is read.
	maxPacked = 256 << 20
	// maxDictionaries bounds the dictionaries of a file.
	maxDictionaries = 32
	// firstTraining and laterTraining are the numbers of bodies after which a dictionary is made.
	firstTraining, laterTraining = 1_000, 100_000
)

var errPacked = errors.New("a stored body has a wrong form")

// packer compresses headers and bodies by the newest dictionary. A packed event is the length of its headers, its headers as JSON, and its
// body. One call of pack may be in progress; unpack may be called at any time.
type packer struct {
	encoder *zstd.Encoder
	current int64 // dictionary of the encoder; 0: none
	newest  int64 // dictionary of the file
	bodies  int   // packed since the last training
	samples [][]byte
	store   *sql.Stmt

	db       *sql.DB
	mu       sync.Mutex
	decoders map[int64]*zstd.Decoder
}

// openPacker returns a packer by the dictionaries of a file: db reads them, and store stores a new one.
func openPacker(db *sql.DB, store *sql.Stmt) (*packer, error) {
	p := &packer{store: store, db: db, decoders: map[int64]*zstd.Decoder{}}
	return p, p.load()
}

// load takes the newest dictionary of the file. It forgets one whose transaction was rolled back.
func (p *packer) load() error {
	var data []byte
	id := int64(0)
	err := p.db.QueryRowContext(context.Background(), "SELECT id, data FROM dictionary ORDER BY id DESC LIMIT 1").Scan(&id, &data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	p.bodies, p.samples = 0, nil
	if id == 0 {
		p.bodies = laterTraining - firstTraining
	}
	p.mu.Lock()
	delete(p.decoders, id+1)
	p.mu.Unlock()
	p.current, p.newest = id, id
	if len(data) == 0 { // none, or an erased one
		p.current = 0
	}
	p.encoder, err = newEncoder(data)
	return err
}

func newEncoder(dictionary []byte) (*zstd.Encoder, error) {
	options := []zstd.EOption{zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)}
	if len(dictionary) > 0 {
		options = append(options, zstd.WithEncoderDict(dictionary))
	}
	return zstd.NewWriter(nil, options...)
}

// pack returns an event's headers and body in packed form, and the number of the dictionary.
func (p *packer) pack(header map[string]string, data []byte) (dictionary int64, packed []byte, err error) {
	head := []byte{}
	if len(header) > 0 {
		if head, err = json.Marshal(header); err != nil {
			return 0, nil, err
		}
	}
	plain := binary.AppendUvarint(make([]byte, 0, len(head)+len(data)+8), uint64(len(head)))
	plain = append(append(plain, head...), data...)
	if err := p.learn(plain); err != nil {
		return 0, nil, err
	}
	return p.current, p.encoder.EncodeAll(plain, make([]byte, 0, len(plain)/2)), nil
}

// learn keeps samples of bodies, and makes a dictionary of them from time to time.
func (p *packer) learn(plain []byte) error {
	p.bodies++
	if p.bodies <= laterTraining-firstTraining {
		return nil
	}
	p.samples = append(p.samples, plain[:min(len(plain), maxSample)])
	if p.bodies < laterTraining {
		return nil
	}
	samples := p.samples
	p.bodies, p.samples = 0, nil
	if p.newest >= maxDictionaries {
		return nil
	}
	data := train(samples, uint32(p.newest)+1)
	if data == nil {
		return nil
	}
	encoder, err := newEncoder(data)
	if err != nil || !better(encoder, p.encoder, samples) {
		return nil //nolint:nilerr // the events stay as they are packed now
	}
	if _, err := exec(p.store, p.newest+1, data); err != nil {
		return err
	}
	p.newest++
	p.encoder, p.current = encoder, p.newest
	return p.addDecoder(p.newest, data)
}

// retire packs without a dictionary from now on, until the next one is made. An empty dictionary in the file says so.
func (p *packer) retire() error {
	encoder, err := newEncoder(nil)
	if err != nil {
		return err
	}
	if _, err := exec(p.store, p.newest+1, []byte{}); err != nil {
		return err
	}
	p.newest++
	p.encoder, p.current, p.bodies, p.samples = encoder, 0, 0, nil
	return nil
}

// better reports whether one encoder makes samples smaller than another by a twentieth.
func better(one, other *zstd.Encoder, samples [][]byte) bool {
	var ones, others int
	for i := 0; i < len(samples); i += 10 {
		ones += len(one.EncodeAll(samples[i], nil))
		others += len(other.EncodeAll(samples[i], nil))
	}
	return ones < others*19/20
}

// unpack returns the headers and the body of a packed event.
func (p *packer) unpack(dictionary int64, packed []byte) (header map[string]string, data []byte, err error) {
	decoder, err := p.decoder(dictionary)
	if err != nil {
		return nil, nil, err
	}
	plain, err := decoder.DecodeAll(packed, nil)
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

func (p *packer) decoder(dictionary int64) (*zstd.Decoder, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.decoders[dictionary]; d != nil {
		return d, nil
	}
	var data []byte
	if dictionary != 0 {
		if err := p.db.QueryRowContext(context.Background(), "SELECT data FROM dictionary WHERE id = ?", dictionary).Scan(&data); err != nil {
			return nil, fmt.Errorf("read dictionary %d of the journal: %w", dictionary, explain(err))
		}
	}
	d, err := newDecoder(data)
	if err == nil {
		p.decoders[dictionary] = d
	}
	return d, err
}

// addDecoder keeps the decoder of a dictionary that readers of the file do not see yet.
func (p *packer) addDecoder(id int64, dictionary []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := newDecoder(dictionary)
	p.decoders[id] = d
	return err
}

func newDecoder(dictionary []byte) (*zstd.Decoder, error) {
	options := []zstd.DOption{zstd.WithDecoderConcurrency(readers), zstd.WithDecoderMaxMemory(maxPacked)}
	if len(dictionary) > 0 {
		options = append(options, zstd.WithDecoderDicts(dictionary))
	}
	return zstd.NewReader(nil, options...)
}

func (p *packer) close() {
	for _, d := range p.decoders {
		d.Close()
	}
}
