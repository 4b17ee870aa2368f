/** Fetches by programs of the machine what the agent itself cannot (http-semantics 17.5). */
import { unreachable } from "../../../worker/std/assert.ts";
import type { Result } from "../../../worker/std/result.ts";
import type { DownloadLimits } from "./download.ts";
import type { ToolSource } from "./plan.ts";
import { type ProgramOptions, runProgram } from "./program.ts";

/** `to`: where in the sandbox; nothing is there. The error is a clause. */
export async function fetchByTool(
  { tool, program, uri }: ToolSource,
  to: string,
  { limits, ...options }: ProgramOptions & { readonly limits: DownloadLimits },
): Promise<Result<void, string>> {
  const { directory, account, signal } = options;
  const means = { directory, account, signal };
  switch (tool) {
    case "curl":
      return await runProgram([program, ...curlArguments(uri, to, limits)], means);
    case "hadoop":
      return await runProgram([program, "fs", "-copyToLocal", uri, to], {
        ...means,
        environment: hadoopEnvironment(),
      });
    default:
      return unreachable(tool);
  }
}

function curlArguments(uri: string, to: string, { stallMs, bytesMax }: DownloadLimits): string[] {
  const seconds = String(Math.ceil(stallMs / 1_000));
  return [
    // First, or the user's own file of options would be read.
    "-q",
    ...["--silent", "--show-error", "--fail", "--globoff", "--proto", "=ftp,ftps"],
    ...["--connect-timeout", seconds, "--speed-limit", "1", "--speed-time", seconds],
    ...["--max-filesize", String(bytesMax), "--output", to, "--", uri],
  ];
}

/** Its client is a script that is told by these where Java, itself and the cluster are. */
function hadoopEnvironment(): Readonly<Record<string, string>> {
  const told = Object.entries(process.env).filter(([name]) => /^(JAVA_HOME|HADOOP_.*)$/.test(name));
  return Object.fromEntries(told.map(([name, value]) => [name, value ?? ""]));
}
