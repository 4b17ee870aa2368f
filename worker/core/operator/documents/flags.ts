import { type JsonText, object, string } from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { flagsOf } from "../flags.ts";

/** `/flags` */
export function flagsDocument(state: MasterState): string {
  return object({ flags: flagsText(state) });
}

export function flagsText(state: MasterState): JsonText {
  return object(Object.fromEntries(flagsOf(state).map(({ name, value }) => [name, string(value)])));
}
