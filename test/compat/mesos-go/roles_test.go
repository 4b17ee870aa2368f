package compat

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/quota"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
)

// What operators set for roles, and take back.

func TestWeightsAreSetAndListed(t *testing.T) {
	weighty := role + "-weighty"
	set := func(weight float64) {
		t.Helper()
		change(t, calls.UpdateWeights(mesos.WeightInfo{Role: &weighty, Weight: weight}))
	}
	set(2.5)
	t.Cleanup(func() { set(1) })
	found := false
	for _, info := range read(t, calls.GetWeights()).GetGetWeights().GetWeightInfos() {
		found = found || info.GetRole() == weighty && info.GetWeight() == 2.5
	}
	if !found {
		t.Error("the weight is not listed")
	}
	zero := calls.UpdateWeights(mesos.WeightInfo{Role: &weighty, Weight: 0})
	expectRefused(t, zero, apierrors.CodeMalformedRequest)
}

func TestQuotaIsSetListedAndRemoved(t *testing.T) {
	limited := role + "-limited"
	infos := func() map[string][]mesos.Resource {
		status := read(t, calls.GetQuota()).GetGetQuota().GetStatus()
		all := map[string][]mesos.Resource{}
		for _, info := range status.GetInfos() {
			all[info.GetRole()] = info.GetGuarantee()
		}
		return all
	}
	guarantee := []mesos.Resource{resources.NewCPUs(1).Resource, resources.NewMemory(64).Resource}
	change(t, calls.SetQuota(quota.QuotaRequest{Role: &limited, Guarantee: guarantee}))
	cpus, _ := resources.CPUs(infos()[limited]...)
	memory, _ := resources.Memory(infos()[limited]...)
	if cpus != 1 || memory != 64 {
		t.Errorf("the quota is %v", infos()[limited])
	}
	change(t, calls.RemoveQuota(limited))
	if _, there := infos()[limited]; there {
		t.Error("the quota is still there")
	}
	much := []mesos.Resource{resources.NewCPUs(1_000_000).Resource}
	force := true
	request := quota.QuotaRequest{Role: &limited, Guarantee: much}
	expectRefused(t, calls.SetQuota(request), apierrors.CodeIncompatibleVersion)
	request.Force = &force
	change(t, calls.SetQuota(request))
	change(t, calls.RemoveQuota(limited))
	// A real Mesos ends at this.
	expectRefused(t, calls.RemoveQuota(limited), apierrors.CodeMalformedRequest)
}
