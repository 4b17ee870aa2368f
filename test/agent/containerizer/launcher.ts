/**
 * Plays the agent that dies: launches what RIMROCK_LAUNCH says, says so, and waits to be killed.
 */
import type {
  ContainerizerOptions,
  ContainerSpec,
} from "../../../agent/containerizer/containerizer.ts";
import { type ContainerizerKind, containerizers } from "../../../agent/containerizer/index.ts";

interface Launch {
  readonly kind: ContainerizerKind;
  readonly options: ContainerizerOptions;
  readonly specs: readonly ContainerSpec[];
}

setInterval(() => {}, 1_000);
// Written by the check that started this process.
const { kind, options, specs } = JSON.parse(process.env.RIMROCK_LAUNCH ?? "") as Launch;
const containerizer = containerizers[kind].create(options);
for (const spec of specs) {
  const launched = await containerizer.launch(spec);
  if (!launched.ok) throw new Error(JSON.stringify(launched.error));
}
console.log("launched");
