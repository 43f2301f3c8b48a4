package test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/broker"
)

// manifest is the part of a Kubernetes object that this test reads.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ScaleTargetRef struct{ Name string } `yaml:"scaleTargetRef"`
		Triggers       []struct {
			Type              string
			Metadata          map[string]string
			AuthenticationRef struct{ Name string } `yaml:"authenticationRef"`
		}
	}
}

// TestTheScalerNamesExistingObjects compares the names in keda.yaml with the other manifests.
func TestTheScalerNamesExistingObjects(t *testing.T) {
	t.Parallel()
	var routes struct{ Routes map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, "../deployments/kubernetes/hookline.yml")), &routes); err != nil {
		t.Fatal(err)
	}
	workers := names(manifests(t, "../deployments/kubernetes/worker.yaml"), "Deployment")
	scaler := manifests(t, "../deployments/kubernetes/keda.yaml")
	for _, m := range scaler {
		if m.Kind != "ScaledObject" {
			continue
		}
		if !slices.Contains(workers, m.Spec.ScaleTargetRef.Name) {
			t.Errorf("it scales %q, and there are %q", m.Spec.ScaleTargetRef.Name, workers)
		}
		for _, trigger := range m.Spec.Triggers {
			queue := trigger.Metadata["queueName"]
			route := strings.TrimPrefix(queue, broker.WorkQueue(""))
			if _, known := routes.Routes[route]; !known || trigger.Type != "rabbitmq" {
				t.Errorf("trigger %q looks at the queue %q, which belongs to no route of hookline.yml", trigger.Type, queue)
			}
			if !slices.Contains(names(scaler, "TriggerAuthentication"), trigger.AuthenticationRef.Name) {
				t.Errorf("there is no TriggerAuthentication %q", trigger.AuthenticationRef.Name)
			}
		}
		return
	}
	t.Error("there is no ScaledObject")
}

func manifests(t *testing.T, file string) (all []manifest) {
	t.Helper()
	for documents := yaml.NewDecoder(strings.NewReader(read(t, file))); ; {
		var m manifest
		err := documents.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

func names(all []manifest, kind string) (names []string) {
	for _, m := range all {
		if m.Kind == kind {
			names = append(names, m.Metadata.Name)
		}
	}
	return names
}

// TestOnlyReceiversHaveTheSecretsOfSources also looks at the volume of the spool, and at the objects that kustomization.yaml applies.
func TestOnlyReceiversHaveTheSecretsOfSources(t *testing.T) {
	t.Parallel()
	const dir = "../deployments/kubernetes/"
	receiver, worker := read(t, dir+"receiver.yaml"), read(t, dir+"worker.yaml")
	if !strings.Contains(receiver, "hookline-sources") || strings.Contains(worker, "hookline-sources") {
		t.Error("the secrets of sources are not the receivers' alone")
	}
	const mount, claim = "{ name: spool, mountPath: /data }", "volumeClaimTemplates:\n    - metadata: { name: spool }"
	if !strings.Contains(receiver, mount) || !strings.Contains(receiver, claim) || strings.Contains(receiver, "emptyDir") {
		t.Error("the data folder, with the spool, has no volume that outlives its pod")
	}
	var applied struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(read(t, dir+"kustomization.yaml")), &applied); err != nil {
		t.Fatal(err)
	}
	var all []manifest
	for _, file := range applied.Resources {
		all = append(all, manifests(t, dir+file)...)
	}
	for kind, want := range map[string][]string{
		"StatefulSet": {"hookline-receiver"}, "Deployment": {"hookline-worker"}, "PodDisruptionBudget": {"hookline-receiver", "hookline-worker"},
		"NetworkPolicy": {"hookline", "hookline-receiver"},
	} {
		if got := names(all, kind); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	for _, text := range []string{receiver, worker} {
		if !strings.Contains(text, "limits: { memory: ") {
			t.Error("a container has no limit of memory")
		}
	}
}
