import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { localAgentArguments, resourcesText } from "../../agent/dev/local-agents.ts";
import { createRestartPolicy, type Death } from "../../agent/dev/restart.ts";
import { parseResourcesText } from "../../worker/resources/text.ts";
import { endEverything, newFolder } from "./harness.ts";

afterEach(endEverything);

describe("restarts", () => {
  const death = (livedMs: number, signal: NodeJS.Signals = "SIGSEGV"): Death => ({
    name: "agent-1",
    livedMs,
    code: null,
    signal,
    logFile: "no-such-file",
  });

  test("what is killed is started again within half a second, however often, with a line each time", () => {
    const policy = createRestartPolicy();
    for (let count = 0; count < 20; count++) {
      const { delayMs, line } = policy(death(100, "SIGKILL"));
      expect(delayMs).toBeLessThanOrEqual(500);
      expect(line).toBe("agent-1 ended (SIGKILL): starting it again");
    }
  });

  test("what keeps dying young is tried every 5 s, and said to be so once", () => {
    const policy = createRestartPolicy();
    for (let count = 0; count < 5; count++) policy(death(100));
    expect(policy(death(100))).toEqual({
      delayMs: 5_000,
      line: "agent-1 ended (SIGSEGV) again: trying every 5 s",
    });
    expect(policy(death(100))).toEqual({ delayMs: 5_000, line: undefined });
  });

  test("what lived for a while is started again at once, whatever it did before", () => {
    const policy = createRestartPolicy();
    for (let count = 0; count < 9; count++) policy(death(100));
    expect(policy(death(60_000)).delayMs).toBe(0);
  });

  test("an agent that the master removed is not started again, and the line says so", () => {
    const { delayMs, line } = createRestartPolicy()({ ...death(50), code: 20, signal: null });
    expect(delayMs).toBeUndefined();
    expect(line).toMatch(/^agent-1 ended \(exit code 20: .*it is not started again$/);
  });

  test("the line quotes the last words of what ended by itself", () => {
    const logFile = join(newFolder(), "a.log");
    writeFileSync(logFile, "long ago\nno cgroups here\n");
    const { line } = createRestartPolicy()({ ...death(50), code: 1, signal: null, logFile });
    expect(line).toContain("exit code 1: no cgroups here");
    expect(line).toContain(logFile);
  });
});

describe("the agents of one machine", () => {
  const options = {
    masterUrl: "http://127.0.0.1:5050",
    workDirectory: "/",
    containerizer: "process",
    agents: 3,
  };

  test("offer no port twice, and each text is one that an agent takes", () => {
    const ports = new Set<string>();
    let count = 0;
    for (let number = 1; number <= 3; number++) {
      const text = resourcesText({ ...options, number });
      expect(parseResourcesText(text)).toMatchObject({ ok: true });
      const [, begin, end] = /ports:\[(\d+)-(\d+)\]/.exec(text) ?? [];
      for (let port = Number(begin); port <= Number(end); port++) {
        ports.add(String(port));
        count++;
      }
    }
    expect(count).toBeGreaterThan(900);
    expect(ports.size).toBe(count);
  });

  test("offer what they are told to", () => {
    const text = resourcesText({ ...options, number: 2, cpus: 0.5, mem: 64 });
    expect(text).toMatch(/^cpus:0.5;mem:64;disk:\d+;ports:/);
    expect(localAgentArguments({ ...options, number: 2 })).toContain("--die-with-parent");
  });
});
