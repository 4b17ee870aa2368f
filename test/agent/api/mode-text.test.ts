import { expect, test } from "vitest";
import { modeText } from "../../../worker/protocol/file-mode.ts";

test.each([
  [0o100644, "-rw-r--r--"],
  [0o040755, "drwxr-xr-x"],
  [0o120777, "lrwxrwxrwx"],
  [0o010600, "prw-------"],
  [0o104755, "-rwsr-xr-x"],
  [0o102644, "-rw-r-Sr--"],
  [0o041777, "drwxrwxrwt"],
  [0o041776, "drwxrwxrwT"],
] as const)("the mode %o is written as ls writes it", (mode, text) => {
  expect(modeText(mode)).toBe(text);
});
