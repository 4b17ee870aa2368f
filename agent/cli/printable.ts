/** A task names its files as it likes: none of that may move the cursor of who reads it here. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
