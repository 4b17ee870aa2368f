/** What a failure is to the user: one line, and a next step that helps. */
import { expect, test } from "vitest";
import { errorLine } from "../../../agent/cli/error-line.ts";
import { SchedulerError } from "../../../worker/sdk/error.ts";
import { processOutput } from "../../../worker/sdk/process-stream.ts";

test("an agent that is away is no master that is away", () => {
  const answered =
    "http://h/agent/c-S1/api/v1 answered 503: Agent c-S1 is not connected. Try again.";
  const away = new SchedulerError("UNAVAILABLE", answered, { status: 503 });
  expect(errorLine(away)).toBe(`rimrock: ${answered}`);
  const noMaster = new SchedulerError("UNAVAILABLE", "no answer from http://h/agent/c-S1/api/v1");
  expect(errorLine(noMaster)).toContain("start one with: rimrock start");
});

test("output that breaks off, in a record or with its connection, is told as such", async () => {
  const bodies = [
    new Blob(["1\n"]).stream(),
    new ReadableStream({ start: (controller) => controller.error(new Error("other side closed")) }),
  ];
  for (const body of bodies) {
    const output = processOutput(new Response(body), new AbortController().signal);
    const error = await output.next().catch((cause: unknown) => cause);
    expect(SchedulerError.is(error, "STREAM_ENDED")).toBe(true);
    expect(errorLine(error)).toContain("its agent was restarted or lost");
  }
});
