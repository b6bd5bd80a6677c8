// SPDX-License-Identifier: Apache-2.0
// Goes through the blocks of a slot array that are marked. Knows no slot.

/** Slots looked at before the event loop gets its turn: 1 to 2 ms when all are in use. */
const SLOTS_PER_TURN = 4096;
/** Whether what is read leaves the kernel with it, or stays there until it is cleared. */
export type Taking = 'emptying' | 'copying';

const WORD_BYTES = 4;
/** Marks that are looked at together; most are not set. */
const GROUP_BYTES = 8;

/**
 * Calls drainBlock with the number of each marked block, then clears its mark: bytes only, as programs set
 * others on the same line. drainBlock leaves the block's slots zero, and never throws.
 */
export async function drainMarkedBlocks(
  marks: Uint8Array,
  slotsPerBlock: number,
  drainBlock: (block: number) => void,
  yieldToLoop: () => Promise<void>,
): Promise<void> {
  const drainAndUnmark = (block: number): void => {
    drainBlock(block);
    marks[block] = 0;
  };
  await visitMarkedBlocks(marks, slotsPerBlock, drainAndUnmark, yieldToLoop);
}

/** Calls visit, which never throws, with the number of each marked block. */
export async function visitMarkedBlocks(
  marks: Uint8Array,
  slotsPerBlock: number,
  visit: (block: number) => void,
  yieldToLoop: () => Promise<void>,
): Promise<void> {
  const findMarked = createMarkSearch(marks);
  let looked = 0;
  for (let block = findMarked(0); block < marks.length; block = findMarked(block + 1)) {
    if (looked >= SLOTS_PER_TURN) {
      looked = 0;
      await yieldToLoop();
    }
    visit(block);
    looked += slotsPerBlock;
  }
}

/** Finds the first mark that is set, from a place on; marks.length where there is none. */
export function createMarkSearch(marks: Uint8Array): (from: number) => number {
  const { buffer, byteOffset, length } = marks;
  const head = Math.min(length, -byteOffset & (GROUP_BYTES - 1));
  const groups = Math.floor((length - head) / GROUP_BYTES);
  const words = new Uint32Array(
    buffer,
    groups === 0 ? 0 : byteOffset + head,
    (groups * GROUP_BYTES) / WORD_BYTES,
  );
  const groupsEnd = head + groups * GROUP_BYTES;
  return (from) => {
    let at = from;
    while (at < length) {
      if (at >= head && at < groupsEnd && ((at - head) & (GROUP_BYTES - 1)) === 0) {
        const word = (at - head) / WORD_BYTES;
        if (words[word] === 0 && words[word + 1] === 0) {
          at += GROUP_BYTES;
          continue;
        }
      }
      if (marks[at] !== 0) return at;
      at++;
    }
    return length;
  };
}
