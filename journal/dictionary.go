package journal

import (
	"bytes"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxSample is the number of bytes of a body from which a dictionary is made.
	maxSample = 4 << 10
	// maxDictionary is the size of a dictionary.
	maxDictionary = 16 << 10
	// commonWord is the number of samples that must have a word before a dictionary has it.
	commonWord = 3
)

// train returns a dictionary for bodies like the samples, and nil if there is none. It has only words that several samples have, such as the
// names of fields: those of single events, such as names of people, stay out of it.
func train(samples [][]byte, id uint32) (dictionary []byte) {
	defer func() {
		if recover() != nil { // the builder is not made for samples of strangers
			dictionary = nil
		}
	}()
	samples = commonWords(samples)
	dictionary, err := dict.BuildZstdDict(samples, dict.Options{MaxDictSize: maxDictionary, HashBytes: 6, ZstdDictID: id, ZstdLevel: zstd.SpeedFastest})
	if err != nil {
		return nil
	}
	return dictionary
}

// commonWords returns the samples without their rare words.
func commonWords(samples [][]byte) [][]byte {
	having := map[string]int{}
	for _, s := range samples {
		seen := map[string]bool{}
		eachWord(s, func(word []byte, isWord bool) {
			if isWord && !seen[string(word)] {
				seen[string(word)] = true
				having[string(word)]++
			}
		})
	}
	var common [][]byte
	for _, s := range samples {
		kept := make([]byte, 0, len(s))
		eachWord(s, func(word []byte, isWord bool) {
			if !isWord || having[string(word)] >= commonWord {
				kept = append(kept, word...)
			}
		})
		if len(kept) > 16 {
			common = append(common, kept)
		}
	}
	return common
}

// eachWord visits the words of a text, and the text between them.
func eachWord(text []byte, visit func(part []byte, isWord bool)) {
	for len(text) > 0 {
		end := bytes.IndexFunc(text, func(r rune) bool { return !isWord(r) })
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			visit(text[:end], true)
		}
		text = text[end:]
		end = bytes.IndexFunc(text, isWord)
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			visit(text[:end], false)
		}
		text = text[end:]
	}
}
