// SPDX-License-Identifier: Apache-2.0
// Huffman codes as deflate has them (RFC 1951, section 3.2.2): how many bits each symbol gets, and which.

/** weights: how often each symbol comes, all above 0, at least two of them. Bits of each symbol's code, at most maxBits. */
export function huffmanLengths(weights: ArrayLike<number>, maxBits: number): Uint8Array {
  let flattened = Array.from(weights);
  for (;;) {
    const lengths = lengthsOf(flattened);
    if (lengths.every((bits) => bits <= maxBits)) return lengths;
    // Less of a difference makes a flatter tree; all alike, it is as flat as can be.
    flattened = flattened.map((weight) => Math.ceil(weight / 4));
  }
}

function lengthsOf(weights: readonly number[]): Uint8Array {
  const symbols = weights.length;
  const order = Uint16Array.from({ length: symbols }, (_, symbol) => symbol);
  order.sort((a, b) => (weights[a] ?? 0) - (weights[b] ?? 0));
  const nodes = 2 * symbols - 1;
  const weightOf = new Float64Array(nodes);
  const parentOf = new Uint16Array(nodes);
  order.forEach((symbol, leaf) => {
    weightOf[leaf] = weights[symbol] ?? 0;
  });
  // Leaves are in order, and so are the inner nodes as they are made: the lighter one is first of either.
  let leaf = 0;
  let inner = symbols;
  for (let made = symbols; made < nodes; made++) {
    for (let child = 0; child < 2; child++) {
      const isLeaf = leaf < symbols && (inner >= made || (weightOf[leaf] ?? 0) <= (weightOf[inner] ?? 0));
      const lighter = isLeaf ? leaf++ : inner++;
      weightOf[made] = (weightOf[made] ?? 0) + (weightOf[lighter] ?? 0);
      parentOf[lighter] = made;
    }
  }
  const depthOf = new Uint16Array(nodes);
  const lengths = new Uint8Array(symbols);
  for (let node = nodes - 2; node >= 0; node--) {
    depthOf[node] = (depthOf[parentOf[node] ?? 0] ?? 0) + 1;
    if (node < symbols) lengths[order[node] ?? 0] = Math.min(255, depthOf[node] ?? 0);
  }
  return lengths;
}

/** The code of each symbol, in the order in which its bits are written: lowest first. */
export function huffmanCodes(lengths: Uint8Array): Uint16Array {
  const longest = lengths.reduce((most, bits) => Math.max(most, bits), 0);
  const symbolsOf = new Uint16Array(longest + 1);
  for (const bits of lengths) if (bits > 0) symbolsOf[bits] = (symbolsOf[bits] ?? 0) + 1;
  const next = new Uint16Array(longest + 1);
  for (let bits = 1; bits <= longest; bits++) {
    next[bits] = ((next[bits - 1] ?? 0) + (symbolsOf[bits - 1] ?? 0)) << 1;
  }
  return Uint16Array.from(lengths, (bits) => {
    const code = next[bits] ?? 0;
    next[bits] = code + 1;
    return reversed(code, bits);
  });
}

function reversed(code: number, bits: number): number {
  let out = 0;
  for (let bit = 0; bit < bits; bit++) out |= ((code >>> bit) & 1) << (bits - 1 - bit);
  return out;
}
