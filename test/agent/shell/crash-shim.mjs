/**
 * Loaded before the agent (`--import`): counts what the process does to the world, one call after
 * the other, and kills it with SIGKILL right before the call of RIMROCK_CRASH_AT. A write counts
 * twice, because it can also be cut in the middle. RIMROCK_CRASH_COUNT names a file for the count.
 */
import childProcess from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env.RIMROCK_CRASH_AT);
const { writeFileSync, writeSync } = fs;
let calls = 0;

/** Whether the process is to end here; it is for the caller to end it. */
function isHere() {
  return ++calls === at;
}

function die() {
  process.kill(process.pid, "SIGKILL");
}

const CHANGES = [
  ...["openSync", "mkdirSync", "mkdtempSync", "renameSync", "rmSync", "rmdirSync", "unlinkSync"],
  ...["symlinkSync", "linkSync", "chmodSync", "chownSync", "fchmodSync", "fchownSync"],
  ...["fsyncSync", "fdatasyncSync", "ftruncateSync", "utimesSync"],
];
for (const name of CHANGES) {
  const original = fs[name];
  fs[name] = (...words) => {
    if (isHere()) die();
    return original(...words);
  };
}
fs.writeSync = (file, bytes, ...rest) => {
  if (isHere()) die();
  if (isHere()) {
    writeSync(file, Buffer.from(bytes).subarray(0, Math.ceil(bytes.length / 2)), 0);
    die();
  }
  return writeSync(file, bytes, ...rest);
};
fs.writeFileSync = (path, data, ...rest) => {
  if (isHere()) die();
  if (isHere()) {
    writeFileSync(path, data.slice(0, Math.ceil(data.length / 2)), ...rest);
    die();
  }
  return writeFileSync(path, data, ...rest);
};
const { spawn } = childProcess;
childProcess.spawn = (...words) => {
  if (isHere()) die();
  const child = spawn(...words);
  if (isHere()) die();
  return child;
};
const { end } = http.ClientRequest.prototype;
http.ClientRequest.prototype.end = function (...words) {
  if (isHere()) die();
  return end.apply(this, words);
};
syncBuiltinESMExports();

const countFile = process.env.RIMROCK_CRASH_COUNT;
if (countFile !== undefined) process.on("exit", () => writeFileSync(countFile, String(calls)));
