/**
 * Regular expressions that frameworks send, in RE2's syntax. They match in time linear in the text,
 * so none can stall the master; what is too large is refused before it costs anything.
 *
 * The engine is `re2js`, used nowhere else: docs/decisions/0011.
 */
import { RE2JS, RE2JSException } from "re2js";
import { utf8Length } from "../../protocol/wire/utf8.ts";
import { err, ok, type Result } from "../../std/result.ts";

/** Whether the whole text matches. */
export type Expression = (text: string) => boolean;

export type ExpressionError =
  /** `limit`: bytes. */
  | { readonly code: "EXPRESSION_TOO_LONG"; readonly limit: number }
  /** `limit`: instructions of the compiled program. */
  | { readonly code: "EXPRESSION_TOO_LARGE"; readonly limit: number }
  | { readonly code: "EXPRESSION_MALFORMED"; readonly problem: string };

/** Mesos' defaults: `--offer_constraints_re2_max_mem`, `…_re2_max_program_size`. */
export const EXPRESSION_BYTES = 4_096;
export const PROGRAM_SIZE = 100;

/**
 * Parts of an expression with its repetitions written out. `x{1000}` twelve times over is short to
 * send and a second's work to compile, only to be refused by its size.
 */
const UNROLLED_MOST = 4_096;

export function compileExpression(text: string): Result<Expression, ExpressionError> {
  if (text.length > EXPRESSION_BYTES || utf8Length(text) > EXPRESSION_BYTES) {
    return err({ code: "EXPRESSION_TOO_LONG", limit: EXPRESSION_BYTES });
  }
  const tooLarge = err({ code: "EXPRESSION_TOO_LARGE", limit: PROGRAM_SIZE } as const);
  if (unrolledSize(text) > UNROLLED_MOST) return tooLarge;
  try {
    const compiled = RE2JS.compile(text);
    if (compiled.programSize() > PROGRAM_SIZE) return tooLarge;
    // A Matcher runs in memory that is bounded by the program. `testExact` would be no faster here
    // and keep an automaton of up to 8 MB for every expression.
    return ok((candidate) => compiled.matcher(candidate).matches());
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const problem = error.message.replace(/^error parsing regexp: /, "");
    return err({ code: "EXPRESSION_MALFORMED", problem });
  }
}

/**
 * About how many instructions the expression compiles to: one for each character, class, escape or
 * group, times the repetitions around it. A malformed expression has a size, too; its fault is the
 * engine's to find.
 */
function unrolledSize(text: string): number {
  /** Sizes of the groups that are open, the outermost first. */
  const open = [0];
  let last = 0;
  const add = (size: number): void => {
    last = size;
    open[open.length - 1] = (open.at(-1) ?? 0) + size;
  };
  for (let at = 0; at < text.length; ) {
    const part = nextPart(text, at);
    at += part.length;
    if (part.kind === "OPEN") open.push(1);
    else if (part.kind === "ATOM") add(part.size);
    else if (part.kind === "REPEAT") add(last * Math.max(0, part.times - 1));
    else add((open.length > 1 ? open.pop() : 0) ?? 0);
  }
  return open.reduce((sum, size) => sum + size, 0);
}

type Part = { readonly length: number } & (
  | { readonly kind: "OPEN" | "CLOSE" }
  | { readonly kind: "ATOM"; readonly size: number }
  | { readonly kind: "REPEAT"; readonly times: number }
);

/** A quotation, an escape that names a character or a class, any other escape. */
const ESCAPE = /\\Q(.*?)(?:\\E|$)|\\[xpP]\{[^}]*\}|\\.?/sy;
/** Up to the bracket that ends it: one that comes first, or is escaped, is a member. */
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]?/sy;
const REPETITION = /\{(\d+)(?:,(\d*))?\}/y;

function nextPart(text: string, at: number): Part {
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const first = text[at];
  if (first === "(") return { kind: "OPEN", length: 1 };
  if (first === ")") return { kind: "CLOSE", length: 1 };
  const repetition = first === "{" ? take(REPETITION) : null;
  if (repetition !== null) {
    const [whole, least = "", most = ""] = repetition;
    return { kind: "REPEAT", length: whole.length, times: Math.max(Number(least), Number(most)) };
  }
  const escaped = first === "\\" ? take(ESCAPE) : null;
  if (escaped !== null) {
    return { kind: "ATOM", length: escaped[0].length, size: escaped[1]?.length ?? 1 };
  }
  const [members = ""] = (first === "[" ? take(CLASS) : null) ?? [];
  return { kind: "ATOM", length: Math.max(1, members.length), size: 1 };
}
