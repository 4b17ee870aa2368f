import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { decodeProtobuf, encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { arbitraryMessage, messageNames, withDefaults } from "./arbitrary-message.ts";
import { oracleDecode, oracleEncode } from "./protobuf-oracle.ts";

const few = { numRuns: 8 };

describe.each(messageNames)("%s", (name) => {
  test("survives a round trip as it is, through both encodings with its defaults", () => {
    fc.assert(
      fc.property(arbitraryMessage(name), (original) => {
        // Made from the descriptor of the message, whose types come from the same table.
        const message = original as never;
        const binary = decodeProtobuf(name, encodeProtobuf(name, message));
        expect(binary).toStrictEqual({ ok: true, value: original });
        const filled = { ok: true, value: withDefaults(name, original) };
        if (!binary.ok) return;
        const json = decodeJson(name, encodeJson(name, binary.value));
        expect(json).toStrictEqual(filled);
        if (!json.ok) return;
        expect(decodeProtobuf(name, encodeProtobuf(name, json.value))).toStrictEqual(filled);
      }),
      few,
    );
  });

  test("is what another implementation reads and writes", () => {
    fc.assert(
      fc.property(arbitraryMessage(name), (original) => {
        const message = original as never;
        const theirs = oracleEncode(name, original);
        expect(decodeProtobuf(name, theirs)).toStrictEqual({ ok: true, value: original });
        const ours = encodeProtobuf(name, message);
        expect(oracleDecode(name, ours)).toStrictEqual(original);
        expect(ours).toStrictEqual(theirs);
      }),
      few,
    );
  });
});
