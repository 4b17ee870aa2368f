/** Text in columns. */

/** One line a row; every column but the last as wide as its widest cell, two blanks in between. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell)))
      .join("  ")
      .trimEnd(),
  );
}

/** Columns on a terminal, colours not counted. East Asian wide characters are taken as one. */
function widthOf(cell: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
  return [...cell.replace(/\u001b\[\d*m/g, "")].length;
}
