package jsonbody_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookline/hookline/pkg/jsonbody"
)

func TestLargeTextsWaitForEachOther(t *testing.T) {
	t.Parallel()
	const large, huge = 4 << 20, 1 << 30
	for name, c := range map[string]struct {
		first, second int
		waits         bool
	}{
		"two large ones":             {large, large, true},
		"two of a MiB":               {1 << 20, 1 << 20, false},
		"a small one":                {huge, 16<<10 - 1, false},
		"one that is not small":      {huge, 16 << 10, true},
		"one larger than the budget": {1 << 20, huge, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			budget := jsonbody.NewBudget()
			free, err := budget.Take(t.Context(), c.first)
			if err != nil {
				t.Fatal(err)
			}
			taken := make(chan func())
			go func() {
				free, _ := budget.Take(t.Context(), c.second)
				taken <- free
			}()
			synctest.Wait()
			select {
			case freeSecond := <-taken:
				if freeSecond(); c.waits {
					t.Errorf("%s: decoded at the same time", name)
				}
				free()
			default:
				if !c.waits {
					t.Errorf("%s: waits", name)
				}
				free()
				(<-taken)()
			}
		})
	}
}

func TestTheWaitForTheBudgetEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		budget, stop := jsonbody.NewBudget(), errors.New("stop")
		free, _ := budget.Take(t.Context(), 1<<30)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, stop)
		defer cancel()
		freeNone, err := budget.Take(ctx, 1<<20)
		if !errors.Is(err, stop) {
			t.Errorf("error: %v", err)
		}
		freeNone()
		free()
		if _, err := budget.Take(t.Context(), 1<<30); err != nil {
			t.Errorf("after that: %v", err)
		}
	})
}

func TestNoBudgetHasNoBound(t *testing.T) {
	t.Parallel()
	var budget *jsonbody.Budget
	for range 2 {
		if _, err := budget.Take(t.Context(), 1<<30); err != nil {
			t.Error(err)
		}
	}
}
