package compat

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/executor/calls"
	"github.com/mesos/mesos-go/api/v1/lib/executor/config"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpexec"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	schedulercalls "github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

// This program is its own executor: an agent starts it with this in its environment.
const executorMark = "COMPAT_EXECUTOR"

func TestMain(m *testing.M) {
	if os.Getenv(executorMark) != "" {
		runExecutor()
		return
	}
	os.Exit(m.Run())
}

// runExecutor tells RUNNING of what it is given, sends messages back, kills what it is to kill, and
// ends when it is told to.
func runExecutor() {
	cfg, err := config.FromEnv()
	if err != nil {
		panic(err)
	}
	url := "http://" + cfg.AgentEndpoint + "/api/v1/executor"
	client := httpcli.New(httpcli.Endpoint(url), httpcli.Codec(codec()))
	ids := executor.CallOptions{calls.Framework(cfg.FrameworkID), calls.Executor(cfg.ExecutorID)}
	send := calls.SenderWith(httpexec.NewSender(client.Send), ids...)
	subscriber := calls.SenderWith(httpexec.NewSender(client.Send, httpcli.Close(true)), ids...)
	tell := func(id mesos.TaskID, state mesos.TaskState) {
		uuid := make([]byte, 16)
		if _, err := rand.Read(uuid); err != nil {
			panic(err)
		}
		update := calls.Update(mesos.TaskStatus{
			TaskID: id,
			State:  &state,
			Source: mesos.SOURCE_EXECUTOR.Enum(),
			UUID:   uuid,
		})
		if err := calls.SendNoData(context.Background(), send, calls.NonStreaming(update)); err != nil {
			panic(err)
		}
	}
	subscribe := calls.NonStreaming(calls.Subscribe(nil, nil))
	response, err := subscriber.Send(context.Background(), subscribe)
	if err != nil {
		panic(err)
	}
	defer response.Close()
	for {
		var event executor.Event
		if err := response.Decode(&event); err != nil {
			panic(err)
		}
		switch event.GetType() {
		case executor.Event_LAUNCH:
			tell(event.GetLaunch().Task.TaskID, mesos.TASK_RUNNING)
		case executor.Event_LAUNCH_GROUP:
			for _, task := range event.GetLaunchGroup().TaskGroup.Tasks {
				tell(task.TaskID, mesos.TASK_RUNNING)
			}
		case executor.Event_KILL:
			tell(event.GetKill().TaskID, mesos.TASK_KILLED)
		case executor.Event_MESSAGE:
			back := calls.NonStreaming(calls.Message(event.GetMessage().Data))
			if err := calls.SendNoData(context.Background(), send, back); err != nil {
				panic(err)
			}
		case executor.Event_SHUTDOWN:
			return
		}
	}
}

func ownExecutor(f *framework, offer mesos.Offer) *mesos.ExecutorInfo {
	script := "exec " + os.Args[0]
	return &mesos.ExecutorInfo{
		Type:        mesos.ExecutorInfo_CUSTOM,
		ExecutorID:  mesos.ExecutorID{Value: "own"},
		FrameworkID: &mesos.FrameworkID{Value: f.id},
		Command: &mesos.CommandInfo{
			Value: &script,
			Environment: &mesos.Environment{Variables: []mesos.Environment_Variable{
				variable(executorMark, "1"),
				variable("MESOS_ENCODING", os.Getenv("MESOS_ENCODING")),
			}},
		},
		Resources: newTask(offer, "", "").Resources,
	}
}

func variable(name string, value string) mesos.Environment_Variable {
	return mesos.Environment_Variable{Name: name, Value: &value}
}

func TestAnExecutorOfTheFrameworksOwnRunsTasks(t *testing.T) {
	f := subscribe(t, frameworkInfo("brings an executor"))
	offer := f.awaitOffer()
	executor := ownExecutor(f, offer)
	one, two := newTask(offer, "one", ""), newTask(offer, "two", "")
	one.Command, one.Executor = nil, executor
	two.Command, two.Executor = nil, executor
	f.launch(offer, one, two)
	for _, id := range []string{"one", "two"} {
		status := f.awaitUpdate(id, mesos.TASK_RUNNING)
		if status.GetExecutorID().GetValue() != "own" || status.GetSource() != mesos.SOURCE_EXECUTOR {
			t.Errorf("the status is %v", status)
		}
	}
	message := schedulercalls.Message(offer.AgentID.Value, "own", []byte{0, 255})
	f.must(message)
	back := f.await("the message", isType(scheduler.Event_MESSAGE)).GetMessage()
	if string(back.Data) != "\x00\xff" || back.ExecutorID.Value != "own" {
		t.Errorf("the message is %v", back)
	}
	f.must(schedulercalls.Kill("one", ""))
	f.awaitUpdate("one", mesos.TASK_KILLED)
	f.must(schedulercalls.Shutdown("own", offer.AgentID.Value))
	status := f.awaitUpdate("two", mesos.TASK_FAILED)
	if status.GetReason() != mesos.REASON_EXECUTOR_TERMINATED {
		t.Errorf("the status is %v", status)
	}
	failure := f.await("the executor's end", isType(scheduler.Event_FAILURE)).GetFailure()
	if failure.GetExecutorID().GetValue() != "own" || failure.GetStatus() != 0 {
		t.Errorf("the failure is %v", failure)
	}
}
