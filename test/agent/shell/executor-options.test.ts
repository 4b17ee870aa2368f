import { describe, expect, test } from "vitest";
import { type CommandLine, readCommandLine } from "../../../agent/config.ts";
import type { Result } from "../../../worker/std/result.ts";

function read(...args: string[]): Result<CommandLine, readonly string[]> {
  const given = ["--master", "http://127.0.0.1:5050", ...args];
  return readCommandLine({
    args: given,
    env: {},
    readFile: () => ({ ok: false, error: "no file" }),
  });
}

const executors = (...args: string[]) => {
  const line = read(...args);
  return line.ok && line.value.type === "RUN" ? line.value.config.executors : undefined;
};

describe("the options about executors", () => {
  test("are Mesos' when nobody says otherwise, and no executor is believed without a token", () => {
    expect(executors()).toEqual({
      times: { registrationMs: 60_000, reregistrationMs: 2_000, shutdownGraceMs: 5_000 },
      isTokenOptional: false,
    });
  });

  test("are times as Mesos writes them", () => {
    const given = executors(
      ...["--executor-registration-timeout", "2mins"],
      ...["--executor-reregistration-timeout", "15secs"],
      ...["--executor-shutdown-grace-period", "500ms"],
    );
    expect(given?.times).toEqual({
      ...{ registrationMs: 120_000, reregistrationMs: 15_000, shutdownGraceMs: 500 },
    });
  });

  test.each(["--insecure-local", "--executors-without-token"])("%s believes them", (option) => {
    expect(executors(option)?.isTokenOptional).toBe(true);
  });

  test("that make no sense are refused, each by its name", () => {
    const line = read(
      ...["--executor-registration-timeout", "0secs"],
      ...["--executor-reregistration-timeout", "16secs"],
      ...["--executor-shutdown-grace-period", "5"],
    );
    expect(line).toEqual({
      ok: false,
      error: [
        "--executor-registration-timeout '0secs' is not a time above 0; write one like 10secs",
        "--executor-reregistration-timeout '16secs' is not a time above 0 and at most 15secs; " +
          "write one like 10secs",
        "--executor-shutdown-grace-period '5' is not a time above 0; write one like 10secs",
      ],
    });
  });
});
