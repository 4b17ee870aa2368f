// Package compat drives a running cluster with mesos-go, unmodified, as frameworks and operators of
// Mesos do. Each test is one thing that a client does; mesos-go.test.ts runs them one by one, in
// both encodings.
package compat

import (
	"context"
	"os"
	"os/user"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

// How long an event or a call may take before its test fails.
const patience = 20 * time.Second

// How long a test listens for what must not come.
const quiet = 700 * time.Millisecond

// One role for all frameworks here: they run one after the other.
const role = "mesos-go"

func masterURL(path string) string { return os.Getenv("MESOS_MASTER") + path }

func codec() encoding.Codec {
	if os.Getenv("MESOS_ENCODING") == "json" {
		return codecs.ByMediaType[codecs.MediaTypeJSON]
	}
	return codecs.ByMediaType[codecs.MediaTypeProtobuf]
}

func newCaller() calls.Caller {
	client := httpcli.New(httpcli.Endpoint(masterURL("/api/v1/scheduler")), httpcli.Codec(codec()))
	return httpsched.NewCaller(client)
}

// framework is a subscribed scheduler. It acknowledges nothing by itself.
type framework struct {
	t      *testing.T
	id     string
	caller calls.Caller
	events *eventStream
}

// eventStream keeps what came until somebody asks for it.
type eventStream struct {
	arrived chan struct{}

	lock sync.Mutex
	kept []scheduler.Event
	// Why the stream ended.
	end error
}

func frameworkInfo(name string) *mesos.FrameworkInfo {
	me, err := user.Current()
	if err != nil {
		panic(err)
	}
	return &mesos.FrameworkInfo{
		User:  me.Username,
		Name:  name,
		Roles: []string{role},
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_TASK_KILLING_STATE},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
		},
	}
}

// subscribe returns when SUBSCRIBED has come. The framework is torn down after its test.
func subscribe(t *testing.T, info *mesos.FrameworkInfo) *framework {
	t.Helper()
	f := attempt(t, info)
	subscribed := f.await("SUBSCRIBED", isType(scheduler.Event_SUBSCRIBED)).GetSubscribed()
	f.id = subscribed.GetFrameworkID().GetValue()
	t.Cleanup(func() {
		// Some tests have done so, and some have handed their framework over.
		_ = f.call(teardown())
	})
	return f
}

// attempt returns as soon as the stream is open, whatever comes on it.
func attempt(t *testing.T, info *mesos.FrameworkInfo) *framework {
	t.Helper()
	caller := newCaller()
	call := calls.Subscribe(info)
	if info.ID != nil {
		call = call.With(calls.SubscribeTo(info.ID.Value))
	}
	response, err := caller.Call(context.Background(), call)
	if err != nil {
		t.Fatalf("SUBSCRIBE: %v", err)
	}
	stream := &eventStream{arrived: make(chan struct{}, 1)}
	go stream.read(response)
	t.Cleanup(func() { _ = response.Close() })
	return &framework{t: t, id: info.GetID().GetValue(), caller: caller, events: stream}
}

func (s *eventStream) read(response mesos.Response) {
	for {
		var event scheduler.Event
		err := response.Decode(&event)
		s.lock.Lock()
		if err == nil {
			s.kept = append(s.kept, event)
		} else {
			s.end = err
		}
		s.lock.Unlock()
		select {
		case s.arrived <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

type matcher func(*scheduler.Event) bool

func isType(wanted scheduler.Event_Type) matcher {
	return func(event *scheduler.Event) bool { return event.GetType() == wanted }
}

func isUpdate(taskID string, state mesos.TaskState) matcher {
	return func(event *scheduler.Event) bool {
		status := event.GetUpdate().GetStatus()
		return event.GetType() == scheduler.Event_UPDATE &&
			status.TaskID.Value == taskID && status.GetState() == state
	}
}

// next is the first event that matches; it is gone afterwards, the others are kept. Nil: none came
// within the time, or the stream ended first.
func (f *framework) next(matches matcher, within time.Duration) (*scheduler.Event, error) {
	deadline := time.After(within)
	for {
		f.events.lock.Lock()
		for at := range f.events.kept {
			event := f.events.kept[at]
			if matches(&event) {
				f.events.kept = append(f.events.kept[:at:at], f.events.kept[at+1:]...)
				f.events.lock.Unlock()
				return &event, nil
			}
		}
		end := f.events.end
		f.events.lock.Unlock()
		if end != nil {
			return nil, end
		}
		select {
		case <-f.events.arrived:
		case <-deadline:
			return nil, nil
		}
	}
}

func (f *framework) await(what string, matches matcher) *scheduler.Event {
	f.t.Helper()
	event, end := f.next(matches, patience)
	if event == nil {
		f.events.lock.Lock()
		defer f.events.lock.Unlock()
		f.t.Fatalf("%s did not come; the stream's end: %v; unread: %v", what, end, f.events.kept)
	}
	return event
}

func (f *framework) expectNone(what string, matches matcher) {
	f.t.Helper()
	if event, _ := f.next(matches, quiet); event != nil {
		f.t.Fatalf("%s must not come, but did: %v", what, event)
	}
}

// awaitEnd returns why the stream ended.
func (f *framework) awaitEnd() error {
	f.t.Helper()
	none := func(*scheduler.Event) bool { return false }
	_, end := f.next(none, patience)
	if end == nil {
		f.t.Fatal("the stream stays open")
	}
	return end
}

func (f *framework) call(call *scheduler.Call) error {
	return calls.CallNoData(context.Background(), f.caller, call.With(calls.Framework(f.id)))
}

func (f *framework) must(call *scheduler.Call) {
	f.t.Helper()
	if err := f.call(call); err != nil {
		f.t.Fatalf("%s: %v", call.GetType(), err)
	}
}

// mesos-go has a helper for every call but this one.
func teardown() *scheduler.Call { return &scheduler.Call{Type: scheduler.Call_TEARDOWN} }

func (f *framework) awaitOffer() mesos.Offer {
	f.t.Helper()
	event := f.await("OFFERS", isType(scheduler.Event_OFFERS))
	offers := event.GetOffers().GetOffers()
	if len(offers) == 0 {
		f.t.Fatal("OFFERS without an offer")
	}
	return offers[0]
}

// awaitUpdate waits for the state and acknowledges it, and fails when another state of the task
// comes first.
func (f *framework) awaitUpdate(taskID string, state mesos.TaskState) mesos.TaskStatus {
	f.t.Helper()
	ofTask := func(event *scheduler.Event) bool {
		status := event.GetUpdate().GetStatus()
		return event.GetType() == scheduler.Event_UPDATE && status.TaskID.Value == taskID
	}
	event := f.await(taskID+" is "+state.String(), ofTask)
	status := event.GetUpdate().GetStatus()
	if status.GetState() != state {
		f.t.Fatalf("%s is %s, not %s: %s", taskID, status.GetState(), state, status.GetMessage())
	}
	f.acknowledge(status)
	return status
}

func (f *framework) acknowledge(status mesos.TaskStatus) {
	f.t.Helper()
	if len(status.GetUUID()) == 0 {
		return
	}
	f.must(calls.Acknowledge(status.GetAgentID().GetValue(), status.TaskID.Value, status.GetUUID()))
}

// newTask asks for little, of what the offer has, as frameworks written with mesos-go do.
func newTask(offer mesos.Offer, id string, script string) mesos.TaskInfo {
	shell := true
	wants := resources.Flatten([]mesos.Resource{
		resources.NewCPUs(0.1).Resource,
		resources.NewMemory(32).Resource,
	}, resources.Role(role).Assign())
	return mesos.TaskInfo{
		Name:      id,
		TaskID:    mesos.TaskID{Value: id},
		AgentID:   offer.AgentID,
		Command:   &mesos.CommandInfo{Value: &script, Shell: &shell},
		Resources: resources.Find(wants, offer.Resources...),
	}
}

func (f *framework) launch(offer mesos.Offer, tasks ...mesos.TaskInfo) {
	f.t.Helper()
	operations := calls.OfferOperations{calls.OpLaunch(tasks...)}
	f.must(calls.Accept(operations.WithOffers(offer.ID)))
}
