/** Sets of small numbers as bits of 32-bit words: number `n` is bit `n & 31` of word `n >> 5`. */

export function hasBit(words: Int32Array, at: number, n: number): boolean {
  return (((words[at + (n >> 5)] ?? 0) >>> (n & 31)) & 1) === 1;
}

/** `at`: where the set's first word is. */
export function setBit(words: Int32Array, at: number, n: number): void {
  const word = at + (n >> 5);
  words[word] = (words[word] ?? 0) | (1 << (n & 31));
}

export function clearBit(words: Int32Array, at: number, n: number): void {
  const word = at + (n >> 5);
  words[word] = (words[word] ?? 0) & ~(1 << (n & 31));
}

export function putBit(words: Int32Array, n: number, isIn: boolean): void {
  if (isIn) setBit(words, 0, n);
  else clearBit(words, 0, n);
}
