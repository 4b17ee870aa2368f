import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeJson, describeDecodeError, encodeJson } from "../../worker/protocol/wire/json.ts";
import { arbitraryMessage, messageNames, withDefaults } from "./arbitrary-message.ts";

test.each(messageNames)("%s survives a round trip", (name) => {
  fc.assert(
    fc.property(arbitraryMessage(name), (original) => {
      // Made from the descriptor of the message, whose types come from the same table.
      const decoded = decodeJson(name, encodeJson(name, original as never));
      if (!decoded.ok) throw new Error(describeDecodeError(decoded.error));
      expect(decoded.value).toStrictEqual(withDefaults(name, original));
    }),
    { numRuns: 8 },
  );
});

test("nothing that a client sends makes the decoder throw", () => {
  const anything = fc.json({ maxDepth: 4 });
  const call = fc.constantFrom(
    "accept",
    "subscribe",
    "kill",
    "acknowledge",
    "reconcile",
    "message",
  );
  fc.assert(
    fc.property(call, anything, (name, text) => {
      decodeJson("mesos.v1.scheduler.Call", `{"type":"X","${name}":${text}}`);
    }),
    { numRuns: 1_000 },
  );
});
