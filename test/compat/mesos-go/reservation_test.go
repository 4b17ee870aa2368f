package compat

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	schedulercalls "github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
)

// anAgent works although this client may be too old to read GET_AGENTS: offers name one, too.
func anAgent(t *testing.T) mesos.AgentID {
	t.Helper()
	f := subscribe(t, frameworkInfo("looks for an agent"))
	agent := f.awaitOffer().AgentID
	f.must(teardown())
	f.awaitEnd()
	return agent
}

func reserved(resource mesos.Resource, to string) mesos.Resource {
	dynamic := mesos.Resource_ReservationInfo_DYNAMIC
	resource.Role = nil
	resource.Reservations = []mesos.Resource_ReservationInfo{{Type: &dynamic, Role: &to}}
	return resource
}

func volume(of mesos.Resource, id string) mesos.Resource {
	mode := mesos.RW
	of.Disk = &mesos.Resource_DiskInfo{
		Persistence: &mesos.Resource_DiskInfo_Persistence{ID: id},
		Volume:      &mesos.Volume{ContainerPath: "data", Mode: &mode},
	}
	return of
}

func TestAnOperatorReservesAndMakesAVolume(t *testing.T) {
	agent := anAgent(t)
	owner := role + "-owner"
	disk := reserved(resources.NewDisk(64).Resource, owner)
	change(t, calls.ReserveResources(agent, disk))
	change(t, calls.CreateVolumes(agent, volume(disk, "by-an-operator")))
	expectRefused(t, calls.UnreserveResources(agent, disk), apierrors.CodeIncompatibleVersion)
	change(t, calls.DestroyVolumes(agent, volume(disk, "by-an-operator")))
	change(t, calls.UnreserveResources(agent, disk))
	expectRefused(t, calls.UnreserveResources(agent, disk), apierrors.CodeIncompatibleVersion)
	nowhere := mesos.AgentID{Value: "nowhere"}
	expectRefused(t, calls.ReserveResources(nowhere, disk), apierrors.CodeMalformedRequest)
}

// A framework reserves, makes a volume, writes to it and reads it in another task.
func TestAFrameworkReservesAndKeepsDataInAVolume(t *testing.T) {
	f := subscribe(t, frameworkInfo("keeps data"))
	offer := f.awaitOffer()
	dynamic := resources.NewDisk(64).Resource
	own := role
	dynamic.Role = &own
	dynamic.Reservation = &mesos.Resource_ReservationInfo{}
	kept := volume(dynamic, "kept")
	writer := newTask(offer, "writer", "echo kept > data/file")
	writer.Resources = append(writer.Resources, kept)
	f.must(schedulercalls.Accept(schedulercalls.OfferOperations{
		schedulercalls.OpReserve(dynamic),
		schedulercalls.OpCreate(kept),
		schedulercalls.OpLaunch(writer),
	}.WithOffers(offer.ID)).With(schedulercalls.RefuseSeconds(0)))
	f.awaitUpdate("writer", mesos.TASK_STARTING)
	f.awaitUpdate("writer", mesos.TASK_RUNNING)
	f.awaitUpdate("writer", mesos.TASK_FINISHED)

	offer, found := f.awaitOfferWithVolume("kept")
	reader := newTask(offer, "reader", `test "$(cat data/file)" = kept`)
	reader.Resources = append(reader.Resources, found)
	f.launch(offer, reader)
	f.awaitUpdate("reader", mesos.TASK_STARTING)
	f.awaitUpdate("reader", mesos.TASK_RUNNING)
	f.awaitUpdate("reader", mesos.TASK_FINISHED)

	offer, found = f.awaitOfferWithVolume("kept")
	without := found
	without.Disk = nil
	f.must(schedulercalls.Accept(schedulercalls.OfferOperations{
		schedulercalls.OpDestroy(found),
		schedulercalls.OpUnreserve(without),
	}.WithOffers(offer.ID)))
}

func (f *framework) awaitOfferWithVolume(id string) (mesos.Offer, mesos.Resource) {
	f.t.Helper()
	var offer mesos.Offer
	var found mesos.Resource
	f.await("an offer with the volume", func(event *scheduler.Event) bool {
		for _, candidate := range event.GetOffers().GetOffers() {
			for _, resource := range candidate.Resources {
				if resource.GetDisk().GetPersistence().GetID() == id {
					offer, found = candidate, resource
					return true
				}
			}
		}
		return false
	})
	return offer, found
}
