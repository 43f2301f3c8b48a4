package alma

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// JobRun is one run of a job. Alma calls it a job instance.
type JobRun struct {
	ID    string `json:"id"`
	Ended string `json:"end_time"` // RFC 3339; empty: the run has not ended
}

const (
	// runsPage is the number of runs in one request: Alma's maximum.
	runsPage = 100
	// maxRuns limits the number of runs that are listed for one job.
	maxRuns = 10_000
)

// JobRuns returns the runs of a job, such as "M44" or "S123", that were submitted on the day of since or later.
func (c *Client) JobRuns(ctx context.Context, job string, since time.Time) ([]JobRun, error) {
	var all []JobRun
	for len(all) < maxRuns {
		query := url.Values{"submit_date_from": {since.UTC().Format(time.DateOnly)}, "limit": {strconv.Itoa(runsPage)}, "offset": {strconv.Itoa(len(all))}}
		body, err := c.getOne(ctx, "/conf/jobs/%s/instances", query, job)
		if err != nil {
			return nil, err
		}
		var page struct {
			Runs  []JobRun `json:"job_instance"`
			Total int      `json:"total_record_count"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, errors.New("alma: the job's runs cannot be read") // the error could quote the document
		}
		all = append(all, page.Runs...)
		if len(page.Runs) == 0 || len(all) >= page.Total {
			return all, nil
		}
	}
	return nil, fmt.Errorf("alma: job %s has more than %d runs since %s", job, maxRuns, since.UTC().Format(time.DateOnly))
}

// JobRun returns a run of a job as JSON, as an event's job_instance.
func (c *Client) JobRun(ctx context.Context, job, run string) ([]byte, error) {
	return c.getOne(ctx, "/conf/jobs/%s/instances/%s", nil, job, run)
}
