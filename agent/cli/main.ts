/** The process of the `rimrock` command. */
import { readFileSync } from "node:fs";
import { outwardTransport } from "../outward/transport.ts";
import { runCli } from "./cli.ts";
import { commands } from "./index.ts";
import { processKeyboard } from "./keyboard.ts";
import { processTerminal } from "./terminal.ts";

const exitCode = await runCli(process.argv.slice(2), commands, {
  terminal: processTerminal(),
  keyboard: processKeyboard(),
  environment: process.env,
  transport: (caFile) => {
    if (caFile === undefined) return outwardTransport();
    const certificates = readFileSync(caFile, "utf8");
    if (certificates.includes("-----BEGIN CERTIFICATE-----")) return outwardTransport(certificates);
    throw new Error(`${caFile} holds no certificate in PEM form`);
  },
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
