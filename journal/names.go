package journal

import (
	"database/sql"
	"errors"

	"github.com/hookline/hookline/pkg/recent"
)

// maxNames bounds the names that a writer remembers.
const maxNames = 1 << 14

// names gives texts that repeat, such as sources, routes, and patterns of errors, their numbers in the file. It belongs to one writer.
type names struct {
	known       *recent.Map[string, int64]
	find, store *sql.Stmt
}

// id returns the number of a text, and stores the text if it is new.
func (n *names) id(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, ok := n.known.Get(text); ok {
		return id, nil
	}
	var id int64
	err := queryRow(n.find, text).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		var done sql.Result
		if done, err = exec(n.store, text); err == nil {
			id, err = done.LastInsertId()
		}
	}
	if err != nil {
		return 0, err
	}
	n.known.Put(text, id)
	return id, nil
}

// forget empties the cache, because a transaction was rolled back.
func (n *names) forget() { n.known = recent.NewMap[string, int64](maxNames) }
