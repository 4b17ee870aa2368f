package compat

import (
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	schedulercalls "github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

func window(machine mesos.MachineID) maintenance.Schedule {
	tomorrow := time.Now().Add(24 * time.Hour)
	return maintenance.Schedule{Windows: []maintenance.Window{{
		MachineIDs: []mesos.MachineID{machine},
		Unavailability: mesos.Unavailability{
			Start:    mesos.TimeInfo{Nanoseconds: tomorrow.UnixNano()},
			Duration: &mesos.DurationInfo{Nanoseconds: time.Hour.Nanoseconds()},
		},
	}}}
}

func schedule(t *testing.T, wanted maintenance.Schedule) {
	t.Helper()
	change(t, calls.UpdateMaintenanceSchedule(wanted))
}

func maintenanceStatus(t *testing.T) maintenance.ClusterStatus {
	t.Helper()
	return read(t, calls.GetMaintenanceStatus()).GetGetMaintenanceStatus().GetStatus()
}

// On a machine without agents: those of another would be shut down.
func TestMaintenanceGoesFromScheduleToUpAgain(t *testing.T) {
	hostname, ip := "nobody.example", "192.0.2.1"
	machine := mesos.MachineID{Hostname: &hostname, IP: &ip}
	wanted := window(machine)
	schedule(t, wanted)
	t.Cleanup(func() { schedule(t, maintenance.Schedule{}) })
	got := read(t, calls.GetMaintenanceSchedule()).GetGetMaintenanceSchedule().GetSchedule()
	if !got.Equal(wanted) {
		t.Errorf("the schedule is %v", got)
	}
	status := maintenanceStatus(t)
	if len(status.DrainingMachines) != 1 || !status.DrainingMachines[0].ID.Equal(machine) {
		t.Errorf("the status is %v", status)
	}
	expectRefused(t, calls.StopMaintenance(machine), apierrors.CodeMalformedRequest)
	change(t, calls.StartMaintenance(machine))
	status = maintenanceStatus(t)
	if len(status.DownMachines) != 1 || !status.DownMachines[0].Equal(machine) {
		t.Errorf("the status is %v", status)
	}
	change(t, calls.StopMaintenance(machine))
	if status = maintenanceStatus(t); len(status.DownMachines) != 0 {
		t.Errorf("the status is %v", status)
	}
	none := maintenance.Schedule{Windows: []maintenance.Window{{}}}
	refused := calls.UpdateMaintenanceSchedule(none)
	expectRefused(t, refused, apierrors.CodeMalformedRequest)
}

func TestInverseOffersAreAnswered(t *testing.T) {
	f := subscribe(t, frameworkInfo("is asked to leave"))
	offer := f.startLong("stays")
	schedule(t, window(machineOf(offer)))
	t.Cleanup(func() { schedule(t, maintenance.Schedule{}) })
	asked := f.awaitInverseOffer(offer.AgentID)
	if asked.FrameworkID.Value != f.id || asked.Unavailability.GetDuration() == nil {
		t.Errorf("the inverse offer is %v", asked)
	}
	f.must(schedulercalls.DeclineInverseOffers(asked.OfferID).With(schedulercalls.RefuseSeconds(0)))
	asked = f.awaitInverseOffer(offer.AgentID)
	f.must(schedulercalls.AcceptInverseOffers(asked.OfferID))
	for deadline := time.Now().Add(patience); !accepted(maintenanceStatus(t), f.id); {
		if time.Now().After(deadline) {
			t.Fatalf("the answer is not in the status: %v", maintenanceStatus(t))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// machineOf: an agent belongs to the machine whose hostname and address are its own.
func machineOf(offer mesos.Offer) mesos.MachineID {
	hostname, ip := offer.Hostname, offer.GetURL().Address.GetIP()
	return mesos.MachineID{Hostname: &hostname, IP: &ip}
}

func (f *framework) awaitInverseOffer(agent mesos.AgentID) mesos.InverseOffer {
	f.t.Helper()
	var found mesos.InverseOffer
	f.await("INVERSE_OFFERS", func(event *scheduler.Event) bool {
		for _, inverse := range event.GetInverseOffers().GetInverseOffers() {
			if inverse.GetAgentID().GetValue() == agent.Value {
				found = inverse
				return true
			}
		}
		return false
	})
	return found
}

func accepted(status maintenance.ClusterStatus, framework string) bool {
	for _, machine := range status.DrainingMachines {
		for _, answer := range machine.Statuses {
			if answer.FrameworkID.Value == framework && answer.GetStatus().String() == "ACCEPT" {
				return true
			}
		}
	}
	return false
}
