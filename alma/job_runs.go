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

// JobRun is one run of a job: what Alma calls a job instance.
type JobRun struct {
	ID    string `json:"id"`
	Ended string `json:"end_time"` // RFC 3339; empty: it has not ended
}

const (
	// runsPage is how many runs are asked for at once: the most that Alma gives.
	runsPage = 100
	// maxRuns bounds how many runs of one job are listed.
	maxRuns = 10_000
)

// JobRuns lists the runs of a job, such as "M44" or "S123", that were submitted on the day of since or later.
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

// JobRun returns a run of a job as JSON: what an event of its end has as job_instance.
func (c *Client) JobRun(ctx context.Context, job, run string) ([]byte, error) {
	return c.getOne(ctx, "/conf/jobs/%s/instances/%s", nil, job, run)
}
