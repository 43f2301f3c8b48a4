package file_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hookline/hookline/handlers/file"
)

// BenchmarkWrite sets the handler beside writers that do the least: write a file, and fsync nothing, or the file, or the folder,
// too, without which the file's name is not durable. To interleave them, run it with -count.
//
// Nothing is deleted before all are measured: ext4 without a journal looks for a minute at every inode that was deleted
// before it makes a file, which then costs ten times as much.
func BenchmarkWrite(b *testing.B) {
	all := b.TempDir()
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d/handler", writers), func(b *testing.B) {
			h, err := file.New(file.Config{Dir: folder(b, all)}, "/")
			if err != nil {
				b.Fatal(err)
			}
			body := make([]byte, 1200)
			parallel(b, writers, func(i int) error {
				d := delivery(fmt.Sprint(i), "")
				d.Event.Data = body
				return h.Handle(b.Context(), d)
			})
		})
		for _, what := range []string{"nothing", "file", "file+folder"} {
			b.Run(fmt.Sprintf("writers=%d/bare,fsync=%s", writers, what), func(b *testing.B) { benchmarkBare(b, folder(b, all), writers, what) })
		}
	}
}

func folder(b *testing.B, in string) string {
	dir, err := os.MkdirTemp(in, "")
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

func benchmarkBare(b *testing.B, dir string, writers int, fsync string) {
	body := make([]byte, 1200)
	parallel(b, writers, func(i int) error {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		_, err = f.Write(body)
		if fsync != "nothing" {
			err = errors.Join(err, f.Sync())
		}
		err = errors.Join(err, f.Close())
		if fsync == "file+folder" {
			d, open := os.Open(dir)
			err = errors.Join(err, open, d.Sync(), d.Close())
		}
		return err
	})
}

func parallel(b *testing.B, writers int, write func(int) error) {
	work := make(chan int)
	var group sync.WaitGroup
	b.ResetTimer()
	for range writers {
		group.Go(func() {
			for i := range work {
				if err := write(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
}
