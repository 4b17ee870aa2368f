import { expect, test } from "vitest";
import {
  commandWithoutSecrets,
  executorWithoutSecrets,
  healthCheckWithoutSecrets,
} from "../../../worker/protocol/secrets.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";

const data = new TextEncoder().encode("swordfish");
const command: mesos.CommandInfo = {
  value: "run",
  environment: {
    variables: [
      { name: "PLAIN", value: "x" },
      { name: "HIDDEN", type: "SECRET", secret: { type: "VALUE", value: { data } } },
    ],
  },
};
const shown: mesos.CommandInfo = {
  value: "run",
  environment: {
    variables: [
      { name: "PLAIN", value: "x" },
      { name: "HIDDEN", type: "SECRET", secret: { type: "VALUE" } },
    ],
  },
};

test("what is shown says that there is a secret, and not which", () => {
  expect(commandWithoutSecrets(command)).toEqual(shown);
  const executor = { executor_id: { value: "e" }, command };
  expect(executorWithoutSecrets(executor)).toEqual({ ...executor, command: shown });
  expect(healthCheckWithoutSecrets({ type: "COMMAND", command })).toEqual({
    type: "COMMAND",
    command: shown,
  });
});

test("what has no secret is shown as it is", () => {
  const plain = { value: "run" };
  expect(commandWithoutSecrets(plain)).toBe(plain);
  const executor = { executor_id: { value: "e" } };
  expect(executorWithoutSecrets(executor)).toBe(executor);
});
