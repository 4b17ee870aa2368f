/**
 * Tokens by which a custom executor shows that it is the one it says: JSON Web Tokens with the
 * claims of Mesos (`fid`, `eid`, `cid`; http-semantics 19), signed with a key that never leaves the
 * work directory. Nothing is kept of them: an executor that outlives the agent still has its own.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { errnoOf } from "./errno.ts";
import { writeWholeFile } from "./whole-file.ts";

/** Whose token it is. */
export interface ExecutorClaims {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly containerId: string;
}

const KEY_BYTES = 32;
const HEADER = encode({ alg: "HS256", typ: "JWT" });

export class ExecutorTokens {
  readonly #key: Buffer;

  /** `key`: as `readExecutorKey` gave it. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  tokenOf({ frameworkId, executorId, containerId }: ExecutorClaims): string {
    const claims = encode({ fid: frameworkId, eid: executorId, cid: containerId });
    const signed = `${HEADER}.${claims}`;
    return `${signed}.${this.#sign(signed).toString("base64url")}`;
  }

  /** Undefined: it is none of ours. */
  read(token: string): ExecutorClaims | undefined {
    const [header, claims, signature, more] = token.split(".");
    if (header === undefined || claims === undefined || signature === undefined) return undefined;
    const expected = this.#sign(`${header}.${claims}`);
    const given = Buffer.from(signature, "base64url");
    const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
    // What is signed was made by `tokenOf`, so it has that shape.
    if (!isSigned || more !== undefined) return undefined;
    const { fid, eid, cid } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8"));
    return { frameworkId: fid, executorId: eid, containerId: cid };
  }

  #sign(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest();
  }
}

/** The key of this work directory; made with the first start. The error is a sentence. */
export function readExecutorKey(metaDirectory: string): Result<Buffer, string> {
  const path = join(metaDirectory, "executor-key");
  try {
    const key = readOrMake(path);
    chmodSync(path, 0o600);
    if (key.length === KEY_BYTES) return ok(key);
    return err(`${path} is no key of ${KEY_BYTES} bytes; remove it, and a new one is made`);
  } catch (cause) {
    return err(`cannot use the key of the executors' tokens, ${path}: ${errnoOf(cause)}`);
  }
}

function readOrMake(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
  }
  const key = randomBytes(KEY_BYTES);
  writeWholeFile(path, key);
  return key;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
