package journal

import (
	"context"
	"database/sql"
	"errors"
)

// eraseDictionaries packs the bodies anew whose dictionary matches, without a dictionary, and empties that dictionary. This is rare: see train.
func (s *Store) eraseDictionaries(ctx context.Context, m Match) (n int, err error) {
	ids, err := s.numbers(ctx, "SELECT id FROM dictionary WHERE length(data) > 0")
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		var data []byte
		if err := s.read.QueryRowContext(ctx, "SELECT data FROM dictionary WHERE id = ?", id).Scan(&data); err != nil {
			return n, explain(err)
		}
		if !m.InText(string(data)) {
			continue
		}
		n++
		if err := s.retireDictionary(ctx, id); err != nil {
			return n, err
		}
	}
	return n, nil
}

// retireDictionary packs the bodies of a dictionary anew.
func (s *Store) retireDictionary(ctx context.Context, id int64) error {
	s.mu.Lock()
	err := s.write.transact(s.write.pack.retire)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		seqs, err := s.numbers(ctx, "SELECT seq FROM (SELECT seq, dictionary FROM body WHERE seq > ? ORDER BY seq LIMIT ?) WHERE dictionary = ?", after, erasePage, id)
		if err != nil {
			return err
		}
		last, err := s.numbers(ctx, "SELECT seq FROM body WHERE seq > ? ORDER BY seq LIMIT ?", after, erasePage)
		if err != nil {
			return err
		}
		if len(last) == 0 {
			break
		}
		after = last[len(last)-1]
		if err := s.packAnew(seqs); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write.transact(func() error {
		_, err := s.write.conn.ExecContext(context.Background(), "UPDATE dictionary SET data = x'' WHERE id = ?", id)
		return err
	})
}

func (s *Store) packAnew(seqs []int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.write
	return w.transact(func() error {
		for _, seq := range seqs {
			var dictionary int64
			var packed []byte
			err := queryRow(w.sql.body, seq).Scan(&dictionary, &packed)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			header, data, err := w.pack.unpack(dictionary, packed)
			if err != nil {
				return err
			}
			if dictionary, packed, err = w.pack.pack(header, data); err != nil {
				return err
			}
			if _, err := w.conn.ExecContext(context.Background(), "UPDATE body SET dictionary = ?, data = ? WHERE seq = ?", dictionary, packed, seq); err != nil {
				return err
			}
		}
		return nil
	})
}
