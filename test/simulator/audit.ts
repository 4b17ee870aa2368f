/** One number for everything that happened: two runs with the same number did the same. */

import type { Input } from "../../worker/core/input.ts";
import type { Outcome } from "../../worker/core/master.ts";

/** FNV-1a over two 32-bit lanes, fed with values instead of their texts. */
export class Audit {
  #low = 0x811c9dc5;
  #high = 0xcbf29ce4;

  add(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.#text(value);
        return;
      case "number":
      case "bigint":
        this.#text(String(value));
        return;
      case "object":
        this.#object(value);
        return;
      default:
        this.#byte(value === true ? 1 : value === false ? 2 : 3);
    }
  }

  /** What a change replaced was added when it was made. */
  addTurn(nowMs: number, input: Input, { changes, coldChanges, effects }: Outcome): void {
    this.add(nowMs);
    this.add(input);
    for (const { table, key, after } of changes) {
      this.#text(table);
      this.#text(key);
      this.add(after);
    }
    this.add(coldChanges);
    this.add(effects);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  #object(value: object | null): void {
    if (value === null) this.#byte(4);
    else if (value instanceof Uint8Array) for (const byte of value) this.#byte(byte);
    else if (Array.isArray(value)) {
      this.#byte(5);
      for (const item of value) this.add(item);
      this.#byte(6);
    } else {
      this.#byte(7);
      for (const key in value) {
        const member: unknown = value[key as keyof typeof value];
        if (member === undefined) continue;
        this.#text(key);
        this.add(member);
      }
      this.#byte(8);
    }
  }

  #text(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at++) {
      low = Math.imul(low ^ text.charCodeAt(at), 0x01000193);
      high = Math.imul(high ^ low, 0x01000193) ^ (low >>> 15);
    }
    this.#low = low;
    this.#high = high;
    this.#byte(9);
  }

  #byte(byte: number): void {
    this.#low = Math.imul(this.#low ^ byte, 0x01000193);
    this.#high = Math.imul(this.#high ^ this.#low, 0x01000193) ^ (this.#low >>> 15);
  }
}
