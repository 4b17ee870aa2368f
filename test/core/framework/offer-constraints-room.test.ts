/** All frameworks' offer constraints together have a bound: each is held compiled. */
import { expect, test } from "vitest";
import { OFFER_CONSTRAINTS_LENGTH_MAX } from "../../../worker/core/constants.ts";
import type { OfferConstraints } from "../../../worker/protocol/v1/scheduler.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";
import { subscribeAs } from "../../scenarios/raw-calls.ts";
import { World } from "../../scenarios/world.ts";

function constraintsOf(value: string): OfferConstraints {
  const constraint = {
    selector: { attribute_name: "rack" },
    predicate: { text_equals: { value } },
  };
  return { role_constraints: { web: { groups: [{ attribute_constraints: [constraint] }] } } };
}

/** A valid set of so many characters as JSON. */
function ofLength(length: number): OfferConstraints {
  const rest = encodeJson("mesos.v1.scheduler.OfferConstraints", constraintsOf("")).length;
  return constraintsOf("x".repeat(length - rest));
}

const PART = OFFER_CONSTRAINTS_LENGTH_MAX / 16;

function subscribe(world: World, name: string, offer_constraints?: OfferConstraints): string[] {
  const id = world.frameworks.get(name)?.id;
  const framework_info = { user: "u", name, role: "web", id: id ? { value: id } : undefined };
  return subscribeAs(world, name, { framework_info, offer_constraints });
}

function fullWorld(): World {
  const world = new World();
  for (let i = 1; i <= 16; i++) {
    expect(subscribe(world, `f${i}`, ofLength(PART))).toContain(`f${i} <- SUBSCRIBED f${i}`);
  }
  return world;
}

test("sets that fill the bound to the last character are taken, one more is refused", () => {
  const world = fullWorld();
  expect(subscribe(world, "late", constraintsOf("r1")).join()).toContain(
    "late <- ERROR With these",
  );
  expect(subscribe(world, "late")).toContain("late <- SUBSCRIBED late");
});

test("a framework that replaces its own set is counted once", () => {
  const world = fullWorld();
  const update = (length: number) => {
    const { id = "", info } = world.frameworks.get("f1") ?? {};
    return world.call("f1", {
      type: "UPDATE_FRAMEWORK",
      update_framework: {
        framework_info: { user: "u", name: "f1", role: "web", ...info, id: { value: id } },
        offer_constraints: ofLength(length),
      },
    });
  };
  expect(update(PART)).toEqual([]);
  expect(update(PART + 1).join()).toContain("refused FRAMEWORK_INVALID With these");
  expect(update(PART - 1_000)).toEqual([]);
});

test("a removed framework makes room", () => {
  const world = fullWorld();
  world.call("f1", { type: "TEARDOWN" });
  expect(subscribe(world, "late", constraintsOf("r1"))).toContain("late <- SUBSCRIBED late");
});
