package compat

import (
	"context"
	"regexp"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpmaster"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
)

// operate sends a call of the operator API; the response is closed after the test.
func operate(t *testing.T, call *master.Call) (mesos.Response, error) {
	t.Helper()
	client := httpcli.New(httpcli.Endpoint(masterURL("/api/v1")), httpcli.Codec(codec()))
	sender := httpmaster.NewSender(client.Send)
	response, err := sender.Send(context.Background(), calls.NonStreaming(call))
	if response != nil {
		t.Cleanup(func() { _ = response.Close() })
	}
	return response, err
}

// read is the answer to a call that has one.
func read(t *testing.T, call *master.Call) *master.Response {
	t.Helper()
	response, err := operate(t, call)
	if err != nil {
		t.Fatalf("%s: %v", call.GetType(), err)
	}
	answer := &master.Response{}
	if err := response.Decode(answer); err != nil {
		t.Fatalf("%s is not decoded: %v", call.GetType(), err)
	}
	if answer.GetType().String() != call.GetType().String() {
		t.Fatalf("%s is answered with %s", call.GetType(), answer.GetType())
	}
	return answer
}

// change sends a call that is answered with nothing.
func change(t *testing.T, call *master.Call) {
	t.Helper()
	if _, err := operate(t, call); err != nil {
		t.Fatalf("%s: %v", call.GetType(), err)
	}
}

func expectRefused(t *testing.T, call *master.Call, code apierrors.Code) {
	t.Helper()
	if _, err := operate(t, call); !code.Matches(err) {
		t.Errorf("%s: %v, not %d", call.GetType(), err, code)
	}
}

func TestGetHealth(t *testing.T) {
	if !read(t, calls.GetHealth()).GetGetHealth().GetHealthy() {
		t.Error("not healthy")
	}
}

func TestGetVersion(t *testing.T) {
	version := read(t, calls.GetVersion()).GetGetVersion().VersionInfo.Version
	if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version) {
		t.Errorf("the version is %q", version)
	}
}

func TestGetMaster(t *testing.T) {
	info := read(t, calls.GetMaster()).GetGetMaster().GetMasterInfo()
	if info.GetID() == "" || info.GetHostname() == "" || info.GetPort() == 0 ||
		!strings.HasPrefix(info.GetPID(), "master@") {
		t.Errorf("the master is %v", info)
	}
}

func TestGetAgents(t *testing.T) {
	expectAgents(t, read(t, calls.GetAgents()).GetGetAgents())
}

func expectAgents(t *testing.T, answer *master.Response_GetAgents) {
	t.Helper()
	agents := answer.GetAgents()
	if len(agents) != 2 {
		t.Errorf("the agents are %v", agents)
	}
	for _, agent := range agents {
		cpus, _ := resources.CPUs(agent.GetTotalResources()...)
		if !agent.Active || agent.AgentInfo.GetID().GetValue() == "" || cpus <= 0 ||
			!strings.HasPrefix(agent.GetPID(), "slave(1)@") || agent.GetRegisteredTime() == nil {
			t.Errorf("the agent is %v", agent)
		}
	}
}

func TestGetState(t *testing.T) {
	f := subscribe(t, frameworkInfo("is listed"))
	f.startLong("listed")
	state := read(t, calls.GetState()).GetGetState()
	expectListed(t, f, state.GetGetFrameworks())
	expectTask(t, f, state.GetGetTasks())
	expectAgents(t, state.GetGetAgents())
}

func TestGetFrameworksTasksAndExecutors(t *testing.T) {
	f := subscribe(t, frameworkInfo("is listed"))
	f.startLong("listed")
	expectListed(t, f, read(t, calls.GetFrameworks()).GetGetFrameworks())
	expectTask(t, f, read(t, calls.GetTasks()).GetGetTasks())
	if read(t, calls.GetExecutors()).GetGetExecutors() == nil {
		t.Error("GET_EXECUTORS without get_executors")
	}
	f.must(teardown())
	completed := read(t, calls.GetFrameworks()).GetGetFrameworks().GetCompletedFrameworks()
	found := false
	for _, framework := range completed {
		found = found || framework.FrameworkInfo.GetID().GetValue() == f.id
	}
	if !found {
		t.Errorf("the completed frameworks are %v", completed)
	}
}

func expectListed(t *testing.T, f *framework, answer *master.Response_GetFrameworks) {
	t.Helper()
	for _, framework := range answer.GetFrameworks() {
		if framework.FrameworkInfo.GetID().GetValue() != f.id {
			continue
		}
		cpus, _ := resources.CPUs(framework.GetAllocatedResources()...)
		if !framework.Active || !framework.Connected || framework.Recovered || cpus != 0.1 {
			t.Errorf("the framework is %v", framework)
		}
		return
	}
	t.Errorf("%s is not among %v", f.id, answer.GetFrameworks())
}

func expectTask(t *testing.T, f *framework, answer *master.Response_GetTasks) {
	t.Helper()
	for _, task := range answer.GetTasks() {
		if task.FrameworkID.Value != f.id {
			continue
		}
		if task.TaskID.Value != "listed" || task.GetState() != mesos.TASK_RUNNING ||
			len(task.GetStatuses()) == 0 || task.AgentID.Value == "" {
			t.Errorf("the task is %v", task)
		}
		return
	}
	t.Errorf("no task of %s is among %v", f.id, answer.GetTasks())
}

func TestGetRoles(t *testing.T) {
	f := subscribe(t, frameworkInfo("has a role"))
	for _, listed := range read(t, calls.GetRoles()).GetGetRoles().GetRoles() {
		if listed.Name != role {
			continue
		}
		if listed.Weight != 1 || len(listed.Frameworks) != 1 || listed.Frameworks[0].Value != f.id {
			t.Errorf("the role is %v", listed)
		}
		return
	}
	t.Error("the role is not listed")
}
