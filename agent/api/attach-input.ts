/** ATTACH_CONTAINER_INPUT: what a client types, record by record (http-semantics 9.3). */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { RecordDecoder, type RecordError } from "../../worker/protocol/wire/record-io.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { terminalSize } from "../core/terminal.ts";
import { chainOf } from "../shell/containers/chain.ts";
import type { ContainerInput } from "../shell/containers/container-input.ts";
import { decodeCall } from "./call-body.ts";
import { containerRefused } from "./container-sentences.ts";
import {
  type Answer,
  badRecords,
  emptyAnswer,
  fieldMissing,
  invalidCall,
  recordsForOtherCall,
} from "./respond.ts";
import type { AgentView } from "./view.ts";

/** One record: as much as a client reads at once, in base64, many times over. */
const RECORD_BYTES = 1024 * 1024;

/** The end of `body` does not end the container. `encoding`: of the records. */
export async function attachInput(
  view: AgentView,
  body: AsyncIterable<Uint8Array>,
  encoding: MessageEncoding,
): Promise<Answer> {
  let input: ContainerInput | undefined;
  try {
    for await (const record of recordsOf(body)) {
      if (!record.ok) return badRecords(record.error);
      const part = readInput(record.value, encoding);
      if (!part.ok) return part.error;
      if (input !== undefined) {
        const refused = await takeRecord(input, part.value);
        if (refused !== undefined) return refused;
        continue;
      }
      const attached = attach(view, part.value);
      if (!attached.ok) return attached.error;
      input = attached.value;
    }
    return input === undefined ? fieldMissing("attach_container_input.container_id") : emptyAnswer;
  } finally {
    input?.release();
  }
}

async function* recordsOf(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Result<Uint8Array, RecordError>, void> {
  const decoder = new RecordDecoder(RECORD_BYTES);
  for await (const chunk of body) {
    const { records, error } = decoder.push(chunk);
    for (const record of records) yield ok(record);
    if (error !== undefined) yield err(error);
  }
  const end = decoder.end();
  if (!end.ok) yield end;
}

function readInput(
  record: Uint8Array,
  encoding: MessageEncoding,
): Result<agent.CallAttachContainerInput, Answer> {
  const call = decodeCall("mesos.v1.agent.Call", record, encoding);
  if (!call.ok) return call;
  const { type, attach_container_input: part } = call.value;
  if (type === undefined) return err(fieldMissing("type"));
  if (type !== "ATTACH_CONTAINER_INPUT") return err(recordsForOtherCall(type));
  return part === undefined ? err(fieldMissing("attach_container_input")) : ok(part);
}

function attach(
  view: AgentView,
  { type, container_id }: agent.CallAttachContainerInput,
): Result<ContainerInput, Answer> {
  if (type !== "CONTAINER_ID") {
    return err(invalidCall("the first record has to be one of the type CONTAINER_ID"));
  }
  if (container_id === undefined) return err(fieldMissing("attach_container_input.container_id"));
  const chain = chainOf(container_id);
  if (!chain.ok) {
    return err(invalidCall(`the container id '${chain.error.value}' ${chain.error.why}`));
  }
  const input = view.inputs.take(chain.value);
  return input.ok ? input : err(containerRefused(input.error));
}

/** Undefined: it was taken. */
async function takeRecord(
  input: ContainerInput,
  { type, process_io: io }: agent.CallAttachContainerInput,
): Promise<Answer | undefined> {
  if (type !== "PROCESS_IO") {
    return invalidCall("every record but the first has to be one of the type PROCESS_IO");
  }
  const { type: kind = "UNKNOWN", data = {}, control = {} } = io ?? {};
  switch (kind) {
    case "UNKNOWN":
      return fieldMissing("attach_container_input.process_io.type");
    case "DATA":
      return await takeData(input, data);
    case "CONTROL":
      return await takeControl(input, control);
    default:
      return unreachable(kind);
  }
}

async function takeData(
  input: ContainerInput,
  { type, data = new Uint8Array() }: agent.ProcessIOData,
): Promise<Answer | undefined> {
  if (type !== "STDIN") return invalidCall("'process_io.data.type' has to be STDIN");
  if (data.length === 0) {
    input.end();
    return undefined;
  }
  const written = await input.write(data);
  return written.ok ? undefined : containerRefused(written.error);
}

async function takeControl(
  input: ContainerInput,
  { type, tty_info }: agent.ProcessIOControl,
): Promise<Answer | undefined> {
  if (type === "HEARTBEAT") return undefined;
  if (type !== "TTY_INFO") return fieldMissing("process_io.control.type");
  const size = tty_info?.window_size && terminalSize(tty_info);
  if (size === undefined) return fieldMissing("process_io.control.tty_info.window_size");
  if (!size.ok) return invalidCall(size.error);
  const resized = await input.resize(size.value);
  return resized.ok ? undefined : containerRefused(resized.error);
}
