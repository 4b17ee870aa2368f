/**
 * Classic BPF as the kernel takes it for seccomp: forward jumps only, one accumulator, the system
 * call as memory. Jumps reach 255 instructions, except JA. Sources: linux/filter.h,
 * linux/bpf_common.h, linux/seccomp.h. Pure.
 */
import { assert } from "../../../../worker/std/assert.ts";

export interface Instruction {
  readonly code: number;
  /** How many instructions to skip where the test holds, and where it does not. */
  readonly whenTrue: number;
  readonly whenFalse: number;
  /** Of 32 bits, without a sign. */
  readonly value: number;
}

export const CODES = {
  /** A = the 32 bits at the offset `value` of what describes the call. */
  LOAD: 0x20,
  AND: 0x54,
  JUMP: 0x05,
  IF_EQUAL: 0x15,
  IF_ABOVE: 0x25,
  IF_AT_LEAST: 0x35,
  RETURN: 0x06,
} as const;

/** What the kernel takes at most: BPF_MAXINSNS. */
export const INSTRUCTIONS_MAX = 4_096;
const REACH = 255;
const BYTES = 8;

export function load(offset: number): Instruction {
  return { code: CODES.LOAD, whenTrue: 0, whenFalse: 0, value: offset };
}

export function and(value: number): Instruction {
  return { code: CODES.AND, whenTrue: 0, whenFalse: 0, value };
}

export function giveBack(value: number): Instruction {
  return { code: CODES.RETURN, whenTrue: 0, whenFalse: 0, value };
}

/** A test with its two ways, which are behind it: the one where it does not hold comes first. */
export function branch(
  test: { readonly code: number; readonly value: number },
  ways: { readonly holds: readonly Instruction[]; readonly fails: readonly Instruction[] },
): readonly Instruction[] {
  const { holds, fails } = ways;
  const distance = fails.length;
  if (distance <= REACH) {
    return [{ ...test, whenTrue: distance, whenFalse: 0 }, ...fails, ...holds];
  }
  const jump = { code: CODES.JUMP, whenTrue: 0, whenFalse: 0, value: distance };
  return [{ ...test, whenTrue: 0, whenFalse: 1 }, jump, ...fails, ...holds];
}

/** As an array of `struct sock_filter`; the order of bytes is that of x86_64 and aarch64. */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, whenTrue, whenFalse, value }] of instructions.entries()) {
    assert(whenTrue <= REACH && whenFalse <= REACH, "a test's jump fits into a byte");
    view.setUint16(index * BYTES, code, true);
    view.setUint8(index * BYTES + 2, whenTrue);
    view.setUint8(index * BYTES + 3, whenFalse);
    view.setUint32(index * BYTES + 4, value, true);
  }
  return bytes;
}
