package compat

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
)

func TestGetFlags(t *testing.T) {
	flags := map[string]string{}
	for _, flag := range read(t, calls.GetFlags()).GetGetFlags().GetFlags() {
		flags[flag.Name] = flag.GetValue()
	}
	if flags["agent_ping_timeout"] == "" || flags["authenticate_frameworks"] != "false" {
		t.Errorf("the flags are %v", flags)
	}
}

func TestGetMetrics(t *testing.T) {
	timeout := 5 * time.Second
	for _, call := range []*master.Call{calls.GetMetrics(nil), calls.GetMetrics(&timeout)} {
		metrics := map[string]float64{}
		for _, metric := range read(t, call).GetGetMetrics().GetMetrics() {
			metrics[metric.Name] = metric.GetValue()
		}
		if metrics["master/elected"] != 1 || metrics["master/slaves_active"] != 2 {
			t.Errorf("the metrics are %v", metrics)
		}
	}
}

func TestTheLoggingLevelIsSetForATime(t *testing.T) {
	level := func() uint32 {
		return read(t, calls.GetLoggingLevel()).GetGetLoggingLevel().Level
	}
	before := level()
	change(t, calls.SetLoggingLevel(before+1, time.Second))
	if level() != before+1 {
		t.Error("the level was not set")
	}
	deadline := time.Now().Add(patience)
	for level() != before {
		if time.Now().After(deadline) {
			t.Fatal("the level did not fall back")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestFilesThatTheMasterDoesNotHaveAreNotFound(t *testing.T) {
	expectRefused(t, calls.ListFiles("/nosuch"), apierrors.CodeNotFound)
	expectRefused(t, calls.ReadFile("/nosuch", 0), apierrors.CodeNotFound)
	expectRefused(t, calls.ReadFileWithLength("/nosuch", 0, 10), apierrors.CodeNotFound)
}
