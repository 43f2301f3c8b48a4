package transfer

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
)

// Job holds the names of a finished job that lead to its files.
type Job struct {
	// ID is the job instance's ID; publishing jobs put it into the names of their files.
	ID string
	// Link is the base name of an export's files, from a counter of the job.
	Link string
}

// maxName is the longest ID or link, in bytes: a file name cannot be longer.
const maxName = 255

// ended is a JOB_END event of Alma, in JSON or XML. Most of the fields may be missing.
type ended struct {
	Instance struct {
		ID       string    `json:"id" xml:"id"`
		Counters []counter `json:"counter" xml:"counter"`
		Nested   []counter `json:"-" xml:"counters>counter"`
	} `json:"job_instance" xml:"job_instance"`
}

type counter struct {
	Type  coded  `json:"type" xml:"type"`
	Value string `json:"value" xml:"value"`
}

type coded struct {
	Value string `json:"value" xml:",chardata"`
	Desc  string `json:"desc" xml:"desc,attr"`
}

// jobOf reads the job from the event. Link is the value of the first counter with a type whose value or description is
// one of names.
func jobOf(e event.Event, names []string) (Job, error) {
	var end ended
	var err error
	if text := jsonbody.Trim(e.Data); bytes.HasPrefix(text, []byte("<")) {
		err = xml.Unmarshal(text, &end)
	} else {
		err = json.Unmarshal(text, &end)
	}
	switch {
	case err != nil:
		return Job{}, fmt.Errorf("the event cannot be read as a finished job: %w", err)
	case end.Instance.ID == "":
		return Job{}, errors.New("the event has no job_instance.id: give this route only the ends of jobs, match: [alma.job_end]")
	}
	job := Job{ID: end.Instance.ID}
	for _, c := range append(end.Instance.Counters, end.Instance.Nested...) {
		if slices.Contains(names, c.Type.Value) || slices.Contains(names, c.Type.Desc) {
			job.Link = c.Value
			break
		}
	}
	if len(job.ID) > maxName || len(job.Link) > maxName {
		return Job{}, fmt.Errorf("the event's names are longer than %d bytes, the limit of a file name", maxName)
	}
	return job, nil
}
