/** The process of the `rimrock` command. */
import { httpTransport } from "../../worker/sdk/transport.ts";
import { runCli } from "./cli.ts";
import { commands } from "./index.ts";
import { processTerminal } from "./terminal.ts";

const exitCode = await runCli(process.argv.slice(2), commands, {
  terminal: processTerminal(),
  environment: process.env,
  transport: httpTransport(),
  onInterrupt: (listener) => {
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
});
// Connections that are kept alive must not keep the process.
process.exit(exitCode);
