/** The kernel's side of seccomp: runs a filter over one call. Source: linux/seccomp.h, bpf(4). */
import assert from "node:assert/strict";

export interface Call {
  /** AUDIT_ARCH_… */
  readonly architecture: number;
  readonly number: number;
  /** Six, of 64 bits. */
  readonly arguments: readonly bigint[];
}

export const X86_64 = 0xc000003e;
export const I386 = 0x40000003;
export const AARCH64 = 0xc00000b7;

/** What the filter returns. Fails where the kernel would refuse to load it. */
export function runFilter(filter: Uint8Array, call: Call): number {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const count = filter.byteLength / 8;
  assert.ok(Number.isInteger(count) && count > 0 && count <= 4_096, `${count} instructions`);
  const memory = new DataView(new ArrayBuffer(64));
  memory.setUint32(0, call.number, true);
  memory.setUint32(4, call.architecture, true);
  for (const [index, value] of call.arguments.entries()) {
    memory.setBigUint64(16 + 8 * index, value, true);
  }
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    assert.ok(at < count, "it runs off its end");
    const code = view.getUint16(at * 8, true);
    const value = view.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean): number => view.getUint8(at * 8 + (holds ? 2 : 3));
    switch (code) {
      case 0x20:
        assert.ok(value % 4 === 0 && value <= 60, `a load of offset ${value}`);
        accumulator = memory.getUint32(value, true);
        break;
      case 0x54:
        accumulator = (accumulator & value) >>> 0;
        break;
      case 0x05:
        at += value;
        break;
      case 0x15:
        at += jump(accumulator === value);
        break;
      case 0x25:
        at += jump(accumulator > value);
        break;
      case 0x35:
        at += jump(accumulator >= value);
        break;
      case 0x06:
        return value;
      default:
        assert.fail(`an instruction 0x${code.toString(16)}`);
    }
  }
}
