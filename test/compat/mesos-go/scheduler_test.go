package compat

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

var oneHour = float64(3600)

func any(*scheduler.Event) bool { return true }

func TestAFrameworkSubscribes(t *testing.T) {
	f := attempt(t, frameworkInfo("subscribes"))
	first := f.await("the first event", any)
	if first.GetType() != scheduler.Event_SUBSCRIBED {
		t.Fatalf("the first event is %v", first)
	}
	subscribed := first.GetSubscribed()
	f.id = subscribed.GetFrameworkID().GetValue()
	if f.id == "" || subscribed.GetHeartbeatIntervalSeconds() != 15 {
		t.Errorf("SUBSCRIBED is %v", subscribed)
	}
	master := subscribed.GetMasterInfo()
	if master.GetID() == "" || master.GetIP() == 0 || master.GetPort() == 0 ||
		master.GetHostname() == "" || master.GetAddress() == nil {
		t.Errorf("master_info is %v", master)
	}
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(master.GetVersion()) {
		t.Errorf("the version is %q", master.GetVersion())
	}
	second := f.await("the second event", any)
	if second.GetType() != scheduler.Event_HEARTBEAT {
		t.Errorf("the second event is %v", second)
	}
	f.must(teardown())
}

func TestDeclinedOffersComeBackWhenRevived(t *testing.T) {
	f := subscribe(t, frameworkInfo("declines"))
	offered := map[string]mesos.Offer{}
	for len(offered) < 2 {
		event := f.await("an offer of each agent", isType(scheduler.Event_OFFERS))
		for _, offer := range event.GetOffers().GetOffers() {
			offered[offer.AgentID.Value] = offer
		}
	}
	var ids []mesos.OfferID
	for _, offer := range offered {
		url := offer.GetURL()
		if offer.FrameworkID.Value != f.id || offer.Hostname == "" || url == nil ||
			url.Address.GetPort() == 0 || !strings.HasPrefix(url.GetPath(), "/slave(1)") {
			t.Errorf("the offer is %v", offer)
		}
		if offer.GetAllocationInfo().GetRole() != role {
			t.Errorf("the offer's role is %v", offer.GetAllocationInfo())
		}
		if cpus, _ := resources.CPUs(offer.Resources...); cpus <= 0 {
			t.Errorf("the offer has %v", offer.Resources)
		}
		if ports, ok := resources.Ports(offer.Resources...); !ok || ports.Size() == 0 {
			t.Errorf("the offer has no ports: %v", offer.Resources)
		}
		ids = append(ids, offer.ID)
	}
	f.must(calls.Decline(ids...).With(calls.RefuseSeconds(time.Hour)))
	f.expectNone("a declined offer", isType(scheduler.Event_OFFERS))
	f.must(calls.Revive())
	again := f.awaitOffer()
	for _, id := range ids {
		if id.Value == again.ID.Value {
			t.Errorf("the offer %s came twice", id.Value)
		}
	}
}

func TestASuppressedRoleGetsNoOffers(t *testing.T) {
	f := subscribe(t, frameworkInfo("suppresses"))
	offer := f.awaitOffer()
	f.must(calls.SuppressWith([]string{role}))
	f.must(calls.Decline(offer.ID).With(calls.RefuseSeconds(0)))
	f.expectNone("an offer for a suppressed role", isType(scheduler.Event_OFFERS))
	f.must(calls.ReviveWith([]string{role}))
	f.awaitOffer()
}

func TestSeveralTasksRunOnOneOffer(t *testing.T) {
	f := subscribe(t, frameworkInfo("launches"))
	offer := f.awaitOffer()
	f.launch(offer,
		newTask(offer, "good", "exit 0"),
		newTask(offer, "bad", "exit 3"),
		newTask(offer, "long", "sleep 600"))
	states := map[string][]mesos.TaskState{}
	ended := 0
	for ended < 2 || len(states["long"]) < 2 {
		event := f.await("updates of all three tasks", isType(scheduler.Event_UPDATE))
		status := event.GetUpdate().GetStatus()
		id := status.TaskID.Value
		states[id] = append(states[id], status.GetState())
		if status.GetAgentID().GetValue() != offer.AgentID.Value || len(status.GetUUID()) != 16 ||
			status.GetExecutorID().GetValue() != id || status.GetTimestamp() == 0 {
			t.Errorf("the status is %v", status)
		}
		if status.GetState() == mesos.TASK_RUNNING {
			container := status.GetContainerStatus()
			if container.GetContainerID().GetValue() == "" || len(container.GetNetworkInfos()) == 0 {
				t.Errorf("container_status is %v", container)
			}
		}
		switch status.GetState() {
		case mesos.TASK_FINISHED:
			ended++
		case mesos.TASK_FAILED:
			ended++
			if status.GetMessage() != "Command exited with status 3" ||
				status.GetReason() != mesos.REASON_COMMAND_EXECUTOR_FAILED {
				t.Errorf("the failure is %v", status)
			}
		}
		f.acknowledge(status)
	}
	lived := []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING}
	expectStates(t, states["good"], append(lived, mesos.TASK_FINISHED)...)
	expectStates(t, states["bad"], append(lived, mesos.TASK_FAILED)...)
	expectStates(t, states["long"], lived...)
}

func expectStates(t *testing.T, states []mesos.TaskState, wanted ...mesos.TaskState) {
	t.Helper()
	same := len(states) == len(wanted)
	for at := 0; same && at < len(states); at++ {
		same = states[at] == wanted[at]
	}
	if !same {
		t.Errorf("the states are %v, not %v", states, wanted)
	}
}

func TestATaskIsKilled(t *testing.T) {
	f := subscribe(t, frameworkInfo("kills"))
	f.startLong("killed")
	// Without the agent's id, as some frameworks do.
	f.must(calls.Kill("killed", ""))
	f.awaitUpdate("killed", mesos.TASK_KILLING)
	f.awaitUpdate("killed", mesos.TASK_KILLED)
	f.must(calls.Kill("nobody", ""))
	status := f.awaitUpdate("nobody", mesos.TASK_UNKNOWN)
	if len(status.GetUUID()) != 0 {
		t.Errorf("the master's own answer asks to be acknowledged: %v", status)
	}
}

// Without a capability a framework is told nothing that it could not know.
func TestAnOldFrameworkIsToldOnlyWhatItKnows(t *testing.T) {
	info := frameworkInfo("is old")
	one := role
	info.Role, info.Roles, info.Capabilities = &one, nil, nil
	f := subscribe(t, info)
	offer := f.awaitOffer()
	if offer.GetAllocationInfo() != nil || offer.Resources[0].GetAllocationInfo() != nil {
		t.Errorf("the offer tells of allocation: %v", offer)
	}
	f.launch(offer, newTask(offer, "old", "exec sleep 600"))
	f.awaitUpdate("old", mesos.TASK_STARTING)
	f.awaitUpdate("old", mesos.TASK_RUNNING)
	f.must(calls.Kill("old", offer.AgentID.Value))
	f.awaitUpdate("old", mesos.TASK_KILLED)
	f.must(calls.Reconcile(calls.ReconcileTasks(map[string]string{"nobody": ""})))
	f.awaitUpdate("nobody", mesos.TASK_LOST)
}

// startLong launches a task that runs until it is killed; returns where.
func (f *framework) startLong(id string) mesos.Offer {
	f.t.Helper()
	offer := f.awaitOffer()
	f.launch(offer, newTask(offer, id, "exec sleep 600"))
	f.awaitUpdate(id, mesos.TASK_STARTING)
	f.awaitUpdate(id, mesos.TASK_RUNNING)
	return offer
}

func TestTasksAreReconciled(t *testing.T) {
	f := subscribe(t, frameworkInfo("reconciles"))
	offer := f.startLong("known")
	expect := func(id string, state mesos.TaskState) {
		t.Helper()
		status := f.awaitUpdate(id, state)
		if status.GetReason() != mesos.REASON_RECONCILIATION || len(status.GetUUID()) != 0 {
			t.Errorf("the answer is %v", status)
		}
	}
	f.must(calls.Reconcile())
	expect("known", mesos.TASK_RUNNING)
	f.must(calls.Reconcile(calls.ReconcileTasks(map[string]string{"known": ""})))
	expect("known", mesos.TASK_RUNNING)
	there := map[string]string{"nobody": offer.AgentID.Value}
	f.must(calls.Reconcile(calls.ReconcileTasks(there)))
	expect("nobody", mesos.TASK_GONE)
	f.must(calls.Reconcile(calls.ReconcileTasks(map[string]string{"anybody": ""})))
	expect("anybody", mesos.TASK_UNKNOWN)
}

func TestAnOldSchedulerLosesItsStreamAndItsUpdatesGoToTheNewOne(t *testing.T) {
	info := frameworkInfo("fails over")
	info.FailoverTimeout = &oneHour
	before := subscribe(t, info)
	offer := before.awaitOffer()
	before.launch(offer, newTask(offer, "survives", "exec sleep 600"))
	lost := before.await("TASK_STARTING", isUpdate("survives", mesos.TASK_STARTING))

	info.ID = &mesos.FrameworkID{Value: before.id}
	after := subscribe(t, info)
	if after.id != before.id {
		t.Fatalf("the framework %s came back as %s", before.id, after.id)
	}
	failure := before.await("ERROR", isType(scheduler.Event_ERROR)).GetError().GetMessage()
	if failure != "Framework failed over" {
		t.Errorf("the old scheduler is told %q", failure)
	}
	// mesos-go hangs up when it reads ERROR, and knows that it has no subscription any more.
	before.awaitEnd()
	if err := before.call(calls.Revive()); !apierrors.CodeUnsubscribed.Matches(err) {
		t.Errorf("the old scheduler may still call: %v", err)
	}
	again := after.awaitUpdate("survives", mesos.TASK_STARTING)
	if string(again.GetUUID()) != string(lost.GetUpdate().GetStatus().UUID) {
		t.Errorf("the unacknowledged update came again as another one: %v", again)
	}
	after.awaitUpdate("survives", mesos.TASK_RUNNING)
	after.must(calls.Kill("survives", offer.AgentID.Value))
	after.awaitUpdate("survives", mesos.TASK_KILLING)
	after.awaitUpdate("survives", mesos.TASK_KILLED)
}

func TestAFrameworkComesBackAfterItsConnectionBroke(t *testing.T) {
	info := frameworkInfo("comes back")
	info.FailoverTimeout = &oneHour
	client := httpcli.New(httpcli.Endpoint(masterURL("/api/v1/scheduler")), httpcli.Codec(codec()))
	response, err := client.Do(calls.Subscribe(info), httpcli.Close(true))
	if err != nil {
		t.Fatal(err)
	}
	var first scheduler.Event
	if err := response.Decode(&first); err != nil {
		t.Fatal(err)
	}
	_ = response.Close()
	info.ID = first.GetSubscribed().GetFrameworkID()
	f := subscribe(t, info)
	if f.id != info.ID.Value {
		t.Errorf("the framework came back as %s", f.id)
	}
}

func TestAFrameworkIsTornDown(t *testing.T) {
	f := subscribe(t, frameworkInfo("tears down"))
	f.must(teardown())
	if end := f.awaitEnd(); !errors.Is(end, io.EOF) {
		t.Errorf("the stream ends with %v", end)
	}
	info := frameworkInfo("tears down")
	info.ID = &mesos.FrameworkID{Value: f.id}
	again := attempt(t, info)
	failure := again.await("ERROR", isType(scheduler.Event_ERROR)).GetError().GetMessage()
	if failure != "Framework has been removed" {
		t.Errorf("a removed framework is told %q", failure)
	}
}

func TestMessagesRequestsAndShutdownsAreTaken(t *testing.T) {
	f := subscribe(t, frameworkInfo("sends messages"))
	offer := f.startLong("receiver")
	f.must(calls.Message(offer.AgentID.Value, "receiver", []byte("hello\x00\xff")))
	f.must(calls.Request(mesos.Request{Resources: []mesos.Resource{resources.NewCPUs(1).Resource}}))
	f.must(calls.Shutdown("receiver", offer.AgentID.Value))
}

// mesos-go subscribes again when a call meets 403 and gives up on 400.
func TestAStrangerIsRefusedWithCodesThatMesosGoKnows(t *testing.T) {
	client := httpcli.New(httpcli.Endpoint(masterURL("/api/v1/scheduler")), httpcli.Codec(codec()))
	stranger := calls.Revive().With(calls.Framework("nobody"))
	response, err := client.Do(stranger)
	if response != nil {
		_ = response.Close()
	}
	if !apierrors.CodeMalformedRequest.Matches(err) {
		t.Errorf("an unknown framework is refused with %v", err)
	}
	f := subscribe(t, frameworkInfo("is called by a stranger"))
	other := httpcli.Header("Mesos-Stream-Id", "0b0e5a9c-6f4e-4d51-9f1c-000000000000")
	response, err = client.Do(calls.Revive().With(calls.Framework(f.id)), other)
	if response != nil {
		_ = response.Close()
	}
	if !apierrors.CodeMalformedRequest.Matches(err) {
		t.Errorf("a stranger's stream id is refused with %v", err)
	}
}

// The loop that mesos-go offers to frameworks: it subscribes, keeps the framework's id and
// acknowledges by itself.
func TestTheControllerOfMesosGoRunsATask(t *testing.T) {
	within, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	ids := store.NewInMemorySingleton()
	frameworkID := store.GetIgnoreErrors(ids)
	caller := callrules.New(callrules.WithFrameworkID(frameworkID)).Caller(newCaller())
	info := frameworkInfo("is controlled")
	launched := false
	var states []mesos.TaskState
	handler := eventrules.New(
		controller.LiftErrors(),
		controller.TrackSubscription(ids, time.Hour),
		controller.AckStatusUpdates(caller),
	).HandleF(func(_ context.Context, event *scheduler.Event) error {
		switch event.GetType() {
		case scheduler.Event_OFFERS:
			for _, offer := range event.GetOffers().GetOffers() {
				call := calls.Decline(offer.ID)
				if !launched {
					task := newTask(offer, "controlled", "exit 0")
					operations := calls.OfferOperations{calls.OpLaunch(task)}
					call = calls.Accept(operations.WithOffers(offer.ID))
					launched = true
				}
				if err := calls.CallNoData(within, caller, call); err != nil {
					return err
				}
			}
		case scheduler.Event_UPDATE:
			status := event.GetUpdate().GetStatus()
			states = append(states, status.GetState())
			if status.GetState() == mesos.TASK_FINISHED {
				// Before the stream ends: a framework that is not subscribed may not call.
				defer stop()
				return calls.CallNoData(within, caller, teardown())
			}
		}
		return nil
	})
	err := controller.Run(within, info, caller,
		controller.WithEventHandler(handler),
		controller.WithFrameworkID(frameworkID))
	expectStates(t, states, mesos.TASK_STARTING, mesos.TASK_RUNNING, mesos.TASK_FINISHED)
	// What remains to be said is that the stream has ended, in whichever way it was seen first.
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
		t.Errorf("the controller ended with %v", err)
	}
}
