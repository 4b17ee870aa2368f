/** Whether the machine itself serves: the account, the folder, the programs. */
import { existsSync, mkdtempSync, rmdirSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram } from "../containerizer/supervisor/host-tools.ts";
import { errnoOf } from "../shell/errno.ts";
import type { Check } from "./check.ts";
import { helperPrograms } from "./programs.ts";

const GIGABYTE = 1024 ** 3;

export const optionsCheck: Check = {
  title: "options",
  run: ({ mistakes }) => {
    if (mistakes.length === 0) return { state: "OK", detail: "in order" };
    return { state: "FAILED", detail: mistakes.join("; ") };
  },
};

export const nodeCheck: Check = {
  title: "node",
  run: () => ({ state: "OK", detail: `${process.version} (${process.arch})` }),
};

export const accountCheck: Check = {
  title: "account",
  run: () => {
    if (process.geteuid?.() === 0) return { state: "OK", detail: "root" };
    const detail = "not root: every task runs as the agent's own user, without cgroups";
    return { state: "LACKING", detail, advice: "run the agent as root" };
  },
};

export const workDirectoryCheck: Check = {
  title: "work directory",
  run: ({ config }) => {
    const path = config.workDirectory;
    let folder = path;
    while (!existsSync(folder)) folder = dirname(folder);
    try {
      // Root is allowed everything by permissions, but not by every file system.
      rmdirSync(mkdtempSync(join(folder, ".rimrock-check-")));
    } catch (cause) {
      const detail = `${path}: nothing can be made in ${folder} (${errnoOf(cause)})`;
      return { state: "FAILED", detail, advice: "choose another with --work-dir" };
    }
    const { bavail, bsize } = statfsSync(folder);
    const free = `${((bavail * bsize) / GIGABYTE).toFixed(1)} GB free`;
    if (bavail * bsize >= GIGABYTE) return { state: "OK", detail: `${path}, ${free}` };
    const advice = "make room, or choose another with --work-dir";
    return { state: "LACKING", detail: `${path}: only ${free}`, advice };
  },
};

export const programsCheck: Check = {
  title: "programs",
  run: () => {
    const missing = helperPrograms.filter(({ name }) => findProgram(name) === undefined);
    if (missing.length === 0) {
      return { state: "OK", detail: helperPrograms.map(({ name }) => name).join(", ") };
    }
    const packages = [...new Set(missing.map((program) => program.package))].join(" and ");
    return {
      state: missing.some(({ isNeeded }) => isNeeded) ? "FAILED" : "LACKING",
      detail: missing.map(({ name, use }) => `no ${name} (${use})`).join("; "),
      advice: `install ${packages}`,
    };
  },
};
