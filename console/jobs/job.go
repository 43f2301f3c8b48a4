package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// State is the state of a job.
type State string

// The states of jobs.
const (
	Planned  State = "planned" // only a plan
	Running  State = "running"
	Paused   State = "paused"
	Finished State = "finished" // every target has had its turn, and the outcomes are known
	Stopped  State = "stopped"  // by a person, or by a proof that failed; Result says why
)

// Counts are the numbers of a job's targets. They add up at each moment:
//
//	Total = Done + FailedAgain + Waiting + Skipped + Left
type Counts struct {
	Total       int `json:"total"`
	Done        int `json:"done"`
	FailedAgain int `json:"failed_again"`
	Waiting     int `json:"waiting"` // acted on, or being acted on; the outcome is not known yet
	Skipped     int `json:"skipped"` // not acted on: gone meanwhile, or as their Why says
	Left        int `json:"left"`
}

// Stage is a step of a proof: one event, then ten, then the rest.
type Stage struct {
	Number int `json:"number"` // 1, 2 or 3; 0: the job has no proof
	Size   int `json:"size"`   // events of the stage
	Acted  int `json:"acted"`  // of them, acted on
}

// Job is a plan that a person has started.
type Job struct {
	Plan    Plan      `json:"plan"`
	ID      int64     `json:"id"`
	State   State     `json:"state"`
	By      string    `json:"by"`
	Why     string    `json:"why"`
	Rate    float64   `json:"rate"` // events per second at most; 0: no limit
	Proof   bool      `json:"proof"`
	Started time.Time `json:"started,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Counts  Counts    `json:"counts"`
	Stage   Stage     `json:"stage"`
	Result  string    `json:"result,omitempty"`  // of an ended or paused job, for people
	Problem string    `json:"problem,omitempty"` // that keeps a running job from going on; it tries again by itself
	// NewFailures counts the events that have failed on the same routes since the job was started, for the same cause if the selection
	// names one. Targets that fail again for it are not among them.
	NewFailures int       `json:"new_failures"`
	NewFailure  time.Time `json:"new_failure,omitzero"` // the latest of them
}

const jobColumns = `SELECT id, state, plan, started, changed, ended, by, why, rate, proof, result, problem, new_failures, new_failure,
	(SELECT json_group_object(state, n) FROM tally WHERE job = job.id) FROM job `

// scanJob reads a row of jobColumns.
func scanJob(row interface{ Scan(into ...any) error }) (v Job, err error) {
	var plan, tally string
	var started, changed, ended, newFailure int64
	err = row.Scan(&v.ID, &v.State, &plan, &started, &changed, &ended, &v.By, &v.Why, &v.Rate, &v.Proof, &v.Result, &v.Problem,
		&v.NewFailures, &newFailure, &tally)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNotFound
	}
	n := map[TargetState]int{}
	if err = errors.Join(err, json.Unmarshal([]byte(plan), &v.Plan), json.Unmarshal([]byte(tally), &n)); err != nil {
		return v, fmt.Errorf("read job %d: %w", v.ID, err)
	}
	v.Plan.ID = v.ID
	v.Started, v.Changed, v.Ended, v.NewFailure = moment(started), moment(changed), moment(ended), moment(newFailure)
	v.Counts = Counts{
		Done: n[Done], FailedAgain: n[FailedAgain], Waiting: n[Taken] + n[Waiting], Skipped: n[Skipped], Left: n[Left],
	}
	v.Counts.Total = v.Counts.Done + v.Counts.FailedAgain + v.Counts.Waiting + v.Counts.Skipped + v.Counts.Left
	if v.Proof {
		v.Stage = stageOf(v.Counts)
	}
	return v, nil
}

// Get returns a job, or ErrNotFound. A plan that is not started is a job of the state Planned.
func (j *Jobs) Get(ctx context.Context, id int64) (Job, error) {
	return scanJob(j.read.QueryRowContext(ctx, jobColumns+`WHERE id = ?`, id))
}

// ListPage selects a part of the jobs.
type ListPage struct {
	Before int64 // ID of the last job of the page before; 0 for the first page
	Limit  int   // jobs in the page, at least 1
}

// List returns a page of the started jobs, newest first.
func (j *Jobs) List(ctx context.Context, p ListPage) ([]Job, error) {
	return j.list(ctx, `WHERE state <> 'planned' AND (?1 = 0 OR id < ?1) ORDER BY id DESC LIMIT ?2`, p.Before, max(p.Limit, 1))
}

func (j *Jobs) list(ctx context.Context, where string, args ...any) ([]Job, error) {
	rows, err := j.read.QueryContext(ctx, jobColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read the jobs: %w", err)
	}
	defer rows.Close()
	list := []Job{} // not nil, which would be null in JSON
	for rows.Next() {
		v, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
