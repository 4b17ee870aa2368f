/** What begins every bundle for Node: libraries that are CommonJS ask for Node's modules by it. */
export const REQUIRE_BANNER =
  'import { createRequire as requireFrom } from "node:module";' +
  "const require = requireFrom(import.meta.url);";
