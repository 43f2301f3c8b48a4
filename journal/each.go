package journal

import (
	"context"
	"database/sql"
	"errors"
)

// eachPage is the number of events that Each reads at a time.
const eachPage = 100

// Each visits the events of a filter, the newest first, until visit returns false. Events that come in meanwhile are left out. It holds no
// lock between its pages, so that it may take long.
func (s *Store) Each(ctx context.Context, f Filter, visit func(Detail) (more bool)) error {
	p := Page{Limit: eachPage}
	for {
		events, next, err := s.details(ctx, f, p)
		if err != nil {
			return err
		}
		for _, d := range events {
			if !visit(d) {
				return nil
			}
		}
		if next == "" {
			return nil
		}
		p.Before = next
	}
}

func (s *Store) details(ctx context.Context, f Filter, p Page) (events []Detail, next string, err error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, "", explain(err)
	}
	defer func() { err = errors.Join(err, explain(ignoreDone(tx.Rollback()))) }()
	seqs, next, err := s.find(ctx, tx, f, p)
	if err != nil {
		return nil, "", err
	}
	for _, seq := range seqs {
		d, err := s.detail(ctx, tx, seq)
		if err != nil {
			return nil, "", err
		}
		events = append(events, d)
	}
	return events, next, nil
}
