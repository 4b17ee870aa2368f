import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { renderForDocuments, renderResources } from "../../worker/resources/render.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { resources } from "./arbitraries.ts";

function parsed(messages: readonly mesos.Resource[]): Resources {
  const result = parseResources(messages);
  if (!result.ok) throw new Error(result.error.code);
  return result.value;
}

const json = (messages: readonly mesos.Resource[]): readonly string[] =>
  messages.map((message) => encodeJson("mesos.v1.Resource", message)).sort();

/** Offers as a Mesos master sent them; see test/resources/golden/README.md. */
function recordedOffer(file: string): mesos.Offer {
  const text = readFileSync(new URL(`golden/${file}`, import.meta.url), "utf8");
  const offer = decodeJson("mesos.v1.Offer", text);
  if (!offer.ok) throw new Error(offer.error.code);
  return offer.value;
}

describe("a recorded offer is rendered as it was", () => {
  test.each([
    ["offer-multi-role.json", false],
    ["offer-with-refinement.json", true],
  ])("%s", (file, refinedReservations) => {
    const recorded = recordedOffer(file).resources ?? [];
    expect(recorded.length).toBeGreaterThan(3);
    const options = { allocationRole: "golden", refinedReservations };
    expect(json(renderResources(parsed(recorded), options))).toEqual(json(recorded));
  });
});

describe("the old format", () => {
  const rendered = (resource: Partial<Resources[number]>): mesos.Resource | undefined => {
    const cpus = { name: "cpus", kind: "SCALAR", thousandths: 100 } as const;
    return renderResources([{ ...cpus, reservations: [], ...resource } as Resources[number]], {
      refinedReservations: false,
    })[0];
  };

  test("says role * for what is unreserved", () => {
    expect(rendered({})).toEqual({
      name: "cpus",
      type: "SCALAR",
      scalar: { value: 0.1 },
      role: "*",
    });
  });

  test("has no reservation for a static one", () => {
    const message = rendered({ reservations: [{ type: "STATIC", role: "web" }] });
    expect(message).toMatchObject({ role: "web" });
    expect(message).not.toHaveProperty("reservation");
    expect(message).not.toHaveProperty("reservations");
  });

  test("has the principal and the labels of a dynamic one, which may be empty", () => {
    expect(rendered({ reservations: [{ type: "DYNAMIC", role: "web" }] })).toMatchObject({
      role: "web",
      reservation: {},
    });
    const labels = { labels: [{ key: "a" }] };
    const reservation = { type: "DYNAMIC", role: "web", principal: "ops", labels } as const;
    expect(rendered({ reservations: [reservation] })).toMatchObject({
      reservation: { principal: "ops", labels },
    });
  });

  test("is not asked for refined reservations", () => {
    const reservations = [
      { type: "STATIC", role: "web" },
      { type: "DYNAMIC", role: "web/api" },
    ] as const;
    expect(() => rendered({ reservations })).toThrow("at most once");
  });
});

test("the state documents show a reservation in both formats where both can say it", () => {
  const dynamic = { name: "disk", type: "SCALAR", scalar: { value: 64 } } as const;
  const reservations = [{ type: "DYNAMIC", role: "golden" }] as const;
  // As recorded in `reserved_resources_full` of Mesos' /slaves.
  expect(renderForDocuments(parsed([{ ...dynamic, reservations }]))).toEqual([
    { ...dynamic, role: "golden", reservation: {}, reservations },
  ]);
  expect(renderForDocuments(parsed([dynamic]))).toEqual([{ ...dynamic, role: "*" }]);
  const stack = [...reservations, { type: "DYNAMIC", role: "golden/a" }] as const;
  expect(renderForDocuments(parsed([{ ...dynamic, reservations: stack }]))).toEqual([
    { ...dynamic, reservations: stack },
  ]);
});

describe("for all resources", () => {
  test("parsing what was rendered gives the same again, in the new format and in documents", () => {
    fc.assert(
      fc.property(resources, (all) => {
        expect(parsed(renderResources(all, { refinedReservations: true }))).toEqual(all);
        expect(parsed(renderForDocuments(all))).toEqual(all);
      }),
    );
  });

  test("and in the old format without refined reservations", () => {
    fc.assert(
      fc.property(resources, (all) => {
        const plain = all.filter(({ reservations }) => reservations.length < 2);
        expect(parsed(renderResources(plain, { refinedReservations: false }))).toEqual(plain);
      }),
    );
  });

  test("resources are plain JSON: stored and loaded they are the same", () => {
    fc.assert(
      fc.property(resources, (all) => {
        expect(JSON.parse(JSON.stringify(all))).toEqual(all);
      }),
    );
  });
});
