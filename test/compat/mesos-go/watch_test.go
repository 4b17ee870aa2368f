package compat

import (
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// The operator's stream: what is, and then what happens.
func TestAnOperatorIsToldWhatHappens(t *testing.T) {
	response, err := operate(t, calls.Subscribe())
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan master.Event, 1000)
	failures := make(chan error, 1)
	go func() {
		for {
			var event master.Event
			if err := response.Decode(&event); err != nil {
				failures <- err
				return
			}
			events <- event
		}
	}()
	next := func(wanted master.Event_Type) *master.Event {
		t.Helper()
		for deadline := time.After(patience); ; {
			select {
			case event := <-events:
				if event.GetType() == wanted {
					return &event
				}
				// A heartbeat, which mesos-go does not know, or the end of an earlier test.
			case err := <-failures:
				t.Fatalf("%s did not come: %v", wanted, err)
			case <-deadline:
				t.Fatalf("%s did not come", wanted)
			}
		}
	}
	subscribed := next(master.Event_SUBSCRIBED).GetSubscribed()
	expectAgents(t, subscribed.GetGetState().GetGetAgents())

	f := subscribe(t, frameworkInfo("is watched"))
	added := next(master.Event_FRAMEWORK_ADDED).GetFrameworkAdded().GetFramework()
	if added.FrameworkInfo.GetID().GetValue() != f.id {
		t.Errorf("FRAMEWORK_ADDED is about %v", added)
	}
	offer := f.awaitOffer()
	f.launch(offer, newTask(offer, "watched", "exit 0"))
	task := next(master.Event_TASK_ADDED).GetTaskAdded().GetTask()
	if task.TaskID.Value != "watched" || task.GetState() != mesos.TASK_STAGING {
		t.Errorf("TASK_ADDED is about %v", task)
	}
	for _, state := range []mesos.TaskState{
		mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED,
	} {
		f.awaitUpdate("watched", state)
		updated := next(master.Event_TASK_UPDATED).GetTaskUpdated()
		status := updated.GetStatus()
		if status.TaskID.Value != "watched" || status.GetState() != state {
			t.Errorf("TASK_UPDATED is %v, not %s", updated, state)
		}
	}
	f.must(teardown())
	removed := next(master.Event_FRAMEWORK_REMOVED).GetFrameworkRemoved().GetFrameworkInfo()
	if removed.GetID().GetValue() != f.id {
		t.Errorf("FRAMEWORK_REMOVED is about %v", removed)
	}
	expectNoEvents(t, f)
}

// expectNoEvents: what a framework was told has nothing to do with who watches.
func expectNoEvents(t *testing.T, f *framework) {
	t.Helper()
	f.awaitEnd()
	if event, _ := f.next(isType(scheduler.Event_ERROR), 0); event != nil {
		t.Errorf("the framework was told %v", event)
	}
}
