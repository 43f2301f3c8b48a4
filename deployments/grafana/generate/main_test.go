package main

import (
	"bytes"
	"os"
	"testing"
)

func TestCommittedDashboardIsCurrent(t *testing.T) {
	want, err := render(dashboard())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../dashboards/hookline.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("dashboards/hookline.json is not up to date: run `go generate ./deployments/grafana/...` and commit it")
	}
}

func TestRunNeedsOneFile(t *testing.T) {
	if run(nil) == nil {
		t.Error("no file name was accepted")
	}
}
