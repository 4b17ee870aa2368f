package compat

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	schedulercalls "github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

// Tasks of one group start and end together; the built-in executor runs them.
func TestATaskGroupEndsTogether(t *testing.T) {
	f := subscribe(t, frameworkInfo("launches a group"))
	offer := f.awaitOffer()
	executor := mesos.ExecutorInfo{
		Type:        mesos.ExecutorInfo_DEFAULT,
		ExecutorID:  mesos.ExecutorID{Value: "pod"},
		FrameworkID: &mesos.FrameworkID{Value: f.id},
		Resources:   append(newTask(offer, "", "").Resources, resources.NewDisk(16).Resource),
	}
	group := schedulercalls.OpLaunchGroup(executor,
		newTask(offer, "fails", "sleep 0.3; exit 1"), newTask(offer, "stays", "exec sleep 600"))
	f.must(schedulercalls.Accept(schedulercalls.OfferOperations{group}.WithOffers(offer.ID)))
	states := map[string][]mesos.TaskState{}
	for len(states["fails"]) < 3 || len(states["stays"]) < 3 {
		event := f.await("updates of both tasks", isType(scheduler.Event_UPDATE))
		status := event.GetUpdate().GetStatus()
		if status.GetExecutorID().GetValue() != "pod" {
			t.Fatalf("the status is %v: %s", status, status.GetMessage())
		}
		if status.GetState() != mesos.TASK_KILLING {
			id := status.TaskID.Value
			states[id] = append(states[id], status.GetState())
		}
		f.acknowledge(status)
	}
	lived := []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING}
	expectStates(t, states["fails"], append(lived, mesos.TASK_FAILED)...)
	expectStates(t, states["stays"], append(lived, mesos.TASK_KILLED)...)
}
