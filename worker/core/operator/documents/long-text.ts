/**
 * Documents too long to be made at once: made of a snapshot, piece by piece, while they are read.
 * An empty piece is work that brought no text: whoever reads may pause there as behind any other.
 */

import { type JsonText, string } from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { type Snapshot, takeSnapshot } from "../snapshot.ts";

export interface LongText {
  readonly pieces: Iterable<string>;
  /** To be called when nobody reads on. */
  close(): void;
}

/** The value of a member or an element: short, or made while it is read. */
export type LongJson = JsonText | (() => Iterable<string>);

export type LongMembers = Readonly<Record<string, LongJson | undefined>>;

/** `members` are made of the state as it is now; whatever is long in them only of the snapshot. */
export function longDocument(
  state: MasterState,
  members: (snapshot: Snapshot) => LongMembers,
): LongText {
  const snapshot = takeSnapshot(state);
  return { pieces: objectPieces(members(snapshot)), close: () => snapshot.cold.close() };
}

/** In the order of the keys; what is undefined is left out. */
export function* objectPieces(members: LongMembers): Generator<string> {
  let text = "";
  let opening = "{";
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    text += `${opening}${string(name)}:`;
    opening = ",";
    if (typeof value === "string") {
      text += value;
      continue;
    }
    yield text;
    yield* value();
    text = "";
  }
  yield opening === "{" ? "{}" : `${text}}`;
}

/** A list; undefined is no element, but a pause. */
export function* listPieces(elements: Iterable<LongJson | undefined>): Generator<string> {
  let opening = "[";
  for (const element of elements) {
    if (element === undefined) {
      yield "";
      continue;
    }
    if (typeof element === "string") yield opening + element;
    else {
      yield opening;
      yield* element();
    }
    opening = ",";
  }
  yield opening === "[" ? "[]" : "]";
}

/** What somebody makes piece by piece, as one text. */
export function wholeText(text: string | LongText): string {
  if (typeof text === "string") return text;
  const whole = [...text.pieces].join("");
  text.close();
  return whole;
}
