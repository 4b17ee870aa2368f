package compat

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

func seconds(value float64) *float64 { return &value }

func TestATaskWhoseHealthCheckFailsIsKilled(t *testing.T) {
	f := subscribe(t, frameworkInfo("checks health"))
	offer := f.awaitOffer()
	script, failures := "exit 3", uint32(2)
	task := newTask(offer, "sick", "exec sleep 600")
	task.HealthCheck = &mesos.HealthCheck{
		Type:                mesos.HealthCheck_COMMAND,
		Command:             &mesos.CommandInfo{Value: &script},
		DelaySeconds:        seconds(0),
		IntervalSeconds:     seconds(0.1),
		GracePeriodSeconds:  seconds(0),
		ConsecutiveFailures: &failures,
	}
	f.launch(offer, task)
	f.awaitUpdate("sick", mesos.TASK_STARTING)
	f.awaitUpdate("sick", mesos.TASK_RUNNING)
	for range [2]int{} {
		status := f.awaitUpdate("sick", mesos.TASK_RUNNING)
		if status.Healthy == nil || status.GetHealthy() ||
			status.GetReason() != mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED {
			t.Errorf("the status is %v", status)
		}
	}
	f.awaitUpdate("sick", mesos.TASK_KILLING)
	status := f.awaitUpdate("sick", mesos.TASK_KILLED)
	if status.Healthy == nil || status.GetHealthy() {
		t.Errorf("the status is %v", status)
	}
}

func TestACheckTellsItsOutcome(t *testing.T) {
	f := subscribe(t, frameworkInfo("checks"))
	offer := f.awaitOffer()
	script := "test -f ready && exit 7; exit 1"
	task := newTask(offer, "checked", "sleep 0.5; touch ready; exec sleep 600")
	task.Check = &mesos.CheckInfo{
		Type:            mesos.CheckInfo_COMMAND,
		Command:         &mesos.CheckInfo_Command{Command: mesos.CommandInfo{Value: &script}},
		DelaySeconds:    seconds(0),
		IntervalSeconds: seconds(0.1),
	}
	f.launch(offer, task)
	hasOutcome := func(code int32) matcher {
		return func(event *scheduler.Event) bool {
			status := event.GetUpdate().GetStatus()
			return event.GetType() == scheduler.Event_UPDATE &&
				status.GetCheckStatus().GetCommand().GetExitCode() == code
		}
	}
	f.awaitUpdate("checked", mesos.TASK_STARTING)
	running := f.awaitUpdate("checked", mesos.TASK_RUNNING)
	if running.GetCheckStatus() == nil || running.GetCheckStatus().GetCommand().ExitCode != nil {
		t.Errorf("the status is %v", running)
	}
	for _, code := range []int32{1, 7} {
		event := f.await("an outcome", hasOutcome(code))
		status := event.GetUpdate().GetStatus()
		if status.GetReason() != mesos.REASON_TASK_CHECK_STATUS_UPDATED {
			t.Errorf("the status is %v", status)
		}
		f.acknowledge(status)
	}
}
