package release

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// rpmFile is a file in an rpm.
type rpmFile struct {
	mode   uint16
	config bool // an upgrade keeps the changes that an operator made to it
}

// Tags of an rpm's header, and the flag of a configuration file: rpm's lib/rpmtag.h and rpmfiles.h.
const (
	tagName       = 1000
	tagFileModes  = 1030
	tagFileFlags  = 1037
	tagDirIndexes = 1116
	tagBaseNames  = 1117
	tagDirNames   = 1118
	flagConfig    = 1
)

// readRPM returns the name of an rpm and its files by path.
func readRPM(name string) (string, map[string]rpmFile, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", nil, err
	}
	if len(data) < 96 || !bytes.HasPrefix(data, []byte{0xed, 0xab, 0xee, 0xdb}) {
		return "", nil, errors.New("no rpm")
	}
	data = data[96:] // the lead
	_, size, err := readHeader(data)
	if err != nil {
		return "", nil, fmt.Errorf("signature: %w", err)
	}
	data = data[(size+7)&^7:]
	h, _, err := readHeader(data)
	if err != nil {
		return "", nil, fmt.Errorf("header: %w", err)
	}
	files := map[string]rpmFile{}
	dirs, bases := h.strings(tagDirNames), h.strings(tagBaseNames)
	for i, base := range bases {
		dir := dirs[binary.BigEndian.Uint32(h.at(tagDirIndexes, 4*i))]
		files[dir+base] = rpmFile{
			mode:   binary.BigEndian.Uint16(h.at(tagFileModes, 2*i)),
			config: binary.BigEndian.Uint32(h.at(tagFileFlags, 4*i))&flagConfig != 0,
		}
	}
	return h.strings(tagName)[0], files, nil
}

// header is a header structure of an rpm: entries that point into a store.
type header struct {
	entries map[uint32]entry
	store   []byte
}

type entry struct{ offset, count uint32 }

// readHeader reads the header at the beginning of data, and returns its size as well.
func readHeader(data []byte) (header, int, error) {
	if len(data) < 16 || !bytes.HasPrefix(data, []byte{0x8e, 0xad, 0xe8, 0x01}) {
		return header{}, 0, errors.New("no header structure")
	}
	n, size := int(binary.BigEndian.Uint32(data[8:])), int(binary.BigEndian.Uint32(data[12:]))
	end := 16 + 16*n + size
	if end > len(data) {
		return header{}, 0, errors.New("cut short")
	}
	h := header{entries: map[uint32]entry{}, store: data[16+16*n : end]}
	for i := range n {
		e := data[16+16*i:]
		h.entries[binary.BigEndian.Uint32(e)] = entry{binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])}
	}
	return h, end, nil
}

func (h header) at(tag uint32, offset int) []byte { return h.store[int(h.entries[tag].offset)+offset:] }

func (h header) strings(tag uint32) []string {
	e := h.entries[tag]
	parts := bytes.SplitN(h.store[e.offset:], []byte{0}, int(e.count)+1)
	texts := make([]string, e.count)
	for i := range texts {
		texts[i] = string(parts[i])
	}
	return texts
}
