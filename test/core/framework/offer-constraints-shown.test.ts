/** Operators see the offer constraints that a framework has now. */
import { expect, test } from "vitest";
import { documents } from "../../../worker/core/operator/documents/index.ts";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import { getFrameworks } from "../../../worker/core/operator/get-frameworks.ts";
import { takeSnapshot } from "../../../worker/core/operator/snapshot.ts";
import type { OfferConstraints } from "../../../worker/protocol/v1/scheduler.ts";
import { jsonPieces } from "../../../worker/protocol/wire/long-message.ts";
import { subscribeAs } from "../../scenarios/raw-calls.ts";
import { World } from "../../scenarios/world.ts";

const constraints = {
  role_constraints: {
    web: {
      groups: [
        {
          attribute_constraints: [
            { selector: { attribute_name: "rack" }, predicate: { text_matches: { regex: "r." } } },
          ],
        },
      ],
    },
  },
} satisfies OfferConstraints;

function subscribed(offer_constraints: OfferConstraints | undefined): World {
  const world = new World();
  const framework_info = { user: "u", name: "f1", role: "web" };
  subscribeAs(world, "f1", { framework_info, offer_constraints });
  return world;
}

test.each([
  ["as it sent them", constraints, constraints],
  ["as none when it sent none", undefined, {}],
  ["as none when it sent a set for no role", { role_constraints: {} }, {}],
])("a framework's offer constraints are shown %s", (_, sent, shown) => {
  const { state } = subscribed(sent).host;
  const snapshot = takeSnapshot(state);
  const answer = JSON.parse([...jsonPieces(getFrameworks(snapshot))].join(""));
  snapshot.cold.close();
  expect(answer.frameworks[0].offer_constraints).toEqual(shown);
  const text = wholeText(documents["/frameworks"](state, {}, 0));
  expect(JSON.parse(text).frameworks[0].offer_constraints).toEqual(shown);
});
