/** Which containerizer serves whom, on containerizers that only remember what they were asked. */
import assert from "node:assert/strict";
import { test } from "vitest";
import {
  ComposingContainerizer,
  composeContainerizers,
} from "../../../agent/containerizer/composing.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerRecord,
  describeLaunchError,
  type ResourceLimits,
} from "../../../agent/containerizer/containerizer.ts";
import { ok } from "../../../worker/std/result.ts";
import { dockerSpec, newContainerId, specOf } from "./harness.ts";

function remembering(name: string, calls: string[]): Containerizer {
  const told = (what: string, id: ContainerId) => calls.push(`${name} ${what} ${id}`);
  return {
    recover: async (known) => {
      for (const { containerId } of known) told("recover", containerId);
      const containers = known.map(
        ({ containerId }) => ({ containerId, state: "RUNNING", pid: 1 }) as const,
      );
      return { containers, orphans: [] };
    },
    launch: async ({ containerId }) => {
      told("launch", containerId);
      return ok({ pid: 1 });
    },
    update: async (id) => {
      told("update", id);
      return ok(undefined);
    },
    usage: async (id) => {
      told("usage", id);
      return ok({ timestamp: 0 });
    },
    wait: async (id) => {
      told("wait", id);
      return { kind: "EXITED", code: 0, waitStatus: 0 };
    },
    kill: async (id) => {
      told("kill", id);
      return ok(undefined);
    },
    resize: async (id) => {
      told("resize", id);
      return ok(undefined);
    },
    destroy: async (id) => void told("destroy", id),
    remove: async (id) => void told("remove", id),
  };
}

const record = (containerId: ContainerId): ContainerRecord => ({ containerId });
const place = { directory: "/tmp" };
const nobody = (): boolean => false;

test("a container of type DOCKER is docker's, every other one mesos', for all of its life", async () => {
  const calls: string[] = [];
  const mesos = remembering("mesos", calls);
  const docker = remembering("docker", calls);
  const both = new ComposingContainerizer({ mesos, docker, isDocker: nobody });
  const plain = specOf(place, "true");
  const image = specOf(place, "true", { docker: dockerSpec() });
  const inside = specOf(place, "true", { inside: image.containerId });
  for (const spec of [plain, image, inside]) {
    const calledBefore = calls.length;
    const id = spec.containerId;
    assert.ok((await both.launch(spec)).ok);
    assert.deepEqual(await both.launch(spec), {
      ok: false,
      error: { code: "CONTAINER_EXISTS", containerId: id },
    });
    await both.update(id, spec.limits);
    await both.usage(id);
    await both.wait(id);
    await both.kill(id, "SIGTERM");
    await both.resize(id, { rows: 1, columns: 1 });
    await both.destroy(id);
    await both.remove(id);
    const name = spec === plain ? "mesos" : "docker";
    const whats = ["launch", "update", "usage", "wait", "kill", "resize", "destroy", "remove"];
    // What is inside goes where its container went, which is there no more for the last one.
    const expected = spec === inside ? "mesos" : name;
    assert.deepEqual(
      calls.slice(calledBefore),
      whats.map((what) => `${expected} ${what} ${id}`),
    );
  }
  const again = { ...image, containerId: newContainerId() };
  assert.ok((await both.launch(again)).ok);
  await both.launch({ ...inside, containerId: newContainerId(), inside: again.containerId });
  assert.match(calls.at(-1) ?? "", /^docker launch/);
});

test("each recovers its own, and the answers are in the order of the question", async () => {
  const calls: string[] = [];
  const ids = [newContainerId(), newContainerId(), newContainerId()] as const;
  const both = new ComposingContainerizer({
    mesos: remembering("mesos", calls),
    docker: remembering("docker", calls),
    isDocker: (id) => id === ids[1],
  });
  const recovery = await both.recover(ids.map(record));
  assert.deepEqual(
    recovery.containers.map(({ containerId }) => containerId),
    [...ids],
  );
  const [first, second, third] = ids;
  const asked = [`mesos recover ${first}`, `mesos recover ${third}`, `docker recover ${second}`];
  assert.deepEqual(calls, asked);
  await both.destroy(second);
  assert.equal(calls.at(-1), `docker destroy ${second}`);
});

test("what is not enabled is refused by name, and what ran in it is not called lost", async () => {
  const calls: string[] = [];
  const mesosOnly = {
    mesos: remembering("mesos", calls),
    isDocker: (id: ContainerId) => id === known,
  };
  const known = newContainerId();
  const one = new ComposingContainerizer(mesosOnly);
  const refused = await one.launch(specOf(place, "true", { docker: dockerSpec() }));
  assert.ok(!refused.ok);
  assert.match(
    describeLaunchError(refused.error),
    /no Docker containers; start it with --containerizers=mesos,docker/,
  );
  await assert.rejects(
    one.recover([record(known)]),
    /^Error: 1 tasks .* may be running in its containers/,
  );
  const dockerOnly = new ComposingContainerizer({
    docker: remembering("docker", calls),
    isDocker: nobody,
  });
  const plain = await dockerOnly.launch(specOf(place, "true"));
  assert.ok(!plain.ok);
  assert.match(describeLaunchError(plain.error), /no other than Docker containers.*of type DOCKER/);
});

test("where isolation cannot be had nothing runs without it unasked: the refusal says how to ask", async () => {
  const choice = { containerizers: ["mesos"], containerizer: "cgroups" } as const;
  const options = { runtimeDirectory: "/nonexistent", cgroupRoot: "../up" };
  const composed = await composeContainerizers(choice, options);
  assert.ok(!composed.ok);
  assert.match(
    composed.error,
    /^the cgroups .*cannot work here: '\.\.\/up' is no name.*start .*--containerizer process, which/,
  );
});

test("where processors are capped, a container is held to what it asks for unless it says otherwise", async () => {
  const told: ResourceLimits[] = [];
  const mesos: Containerizer = {
    ...remembering("mesos", []),
    launch: async ({ limits }) => {
      told.push(limits);
      return ok({ pid: 1 });
    },
    update: async (_id, limits) => {
      told.push(limits);
      return ok(undefined);
    },
  };
  const limits = { cpusRequest: 200 };
  for (const capsCpus of [false, true]) {
    const composed = new ComposingContainerizer({ mesos, capsCpus, isDocker: () => false });
    const spec = specOf(place, "true");
    await composed.launch({ ...spec, limits });
    await composed.update(spec.containerId, { cpusRequest: 5 });
    await composed.update(spec.containerId, { ...limits, cpusLimit: 300 });
    await composed.update(spec.containerId, { ...limits, isCpusUncapped: true });
  }
  const caps = told.map(({ cpusLimit }) => cpusLimit);
  assert.deepEqual(caps, [undefined, undefined, 300, undefined, 200, 10, 300, undefined]);
});
