// SPDX-License-Identifier: Apache-2.0
// How much stack the functions of a BPF object take, and who calls whom, read from the object file: what
// the verifier of an older kernel would add up, which the verifier of this one rounds otherwise.

import { readFileSync } from 'node:fs';

/** Bytes of one function's frame, and the functions that it calls. */
export interface BpfFunction {
  readonly stackBytes: number;
  readonly calls: ReadonlySet<string>;
  /** Where the kernel may enter: in a section of its own type, not in .text. */
  readonly isProgram: boolean;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly info: number;
}

interface ElfSymbol {
  readonly name: string;
  readonly type: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

const SYMTAB = 2;
const REL = 9;
const STT_FUNC = 2;
const STT_SECTION = 3;
const INSTRUCTION_BYTES = 8;
const CALL = 0x85;
const PSEUDO_CALL = 1;
const MOVE_REGISTER = 0xbf;
const ADD_CONSTANT = 0x07;
const FRAME_POINTER = 10;

/** Every function of a little-endian BPF object, by name. */
export function readBpfFunctions(path: string): ReadonlyMap<string, BpfFunction> {
  const elf = readFileSync(path);
  const sections = readSections(elf);
  const symbols = readSymbols(elf, sections);
  const functions = symbols.filter(({ type }) => type === STT_FUNC);
  const at = (section: number, value: number): string =>
    functions.find((one) => one.section === section && one.value === value)?.name ?? '';
  const found = new Map<string, BpfFunction>();
  for (const { name, section, value, size } of functions) {
    const { offset, name: sectionName } = sections[section] ?? { offset: 0, name: '' };
    const targets = relocationsOf(elf, sections, section, symbols);
    const calls = new Set<string>();
    for (let place = value; place < value + size; place += INSTRUCTION_BYTES) {
      const instruction = elf.subarray(offset + place, offset + place + INSTRUCTION_BYTES);
      if (instruction[0] !== CALL || (instruction[1] ?? 0) >> 4 !== PSEUDO_CALL) continue;
      const relative = (instruction.readInt32LE(4) + 1) * INSTRUCTION_BYTES;
      const target = targets.get(place);
      if (target === undefined) calls.add(at(section, place + relative));
      else if (target.type === STT_SECTION) calls.add(at(target.section, relative));
      else calls.add(target.name);
    }
    found.set(name, {
      stackBytes: stackBytes(elf.subarray(offset + value, offset + value + size)),
      calls,
      isProgram: sectionName !== '.text',
    });
  }
  return found;
}

/** The deepest chain of calls from each program on, each frame rounded up to `roundBytes`. */
export function deepestChains(functions: ReadonlyMap<string, BpfFunction>, roundBytes: number) {
  const deepest = (name: string): { bytes: number; chain: string[] } => {
    const { stackBytes: own, calls } = functions.get(name) ?? { stackBytes: 0, calls: new Set<string>() };
    const below = [...calls].map(deepest).sort((a, b) => b.bytes - a.bytes)[0];
    const bytes = Math.ceil(Math.max(own, 1) / roundBytes) * roundBytes;
    return { bytes: bytes + (below?.bytes ?? 0), chain: [`${name} ${own}`, ...(below?.chain ?? [])] };
  };
  return [...functions].filter(([, { isProgram }]) => isProgram).map(([name]) => deepest(name));
}

/** The lowest place below the frame pointer that is read, written or handed to a call. */
function stackBytes(code: Buffer): number {
  let bytes = 0;
  const copies = new Set<number>();
  for (let place = 0; place < code.length; place += INSTRUCTION_BYTES) {
    const opcode = code.readUInt8(place);
    const destination = code.readUInt8(place + 1) & 0x0f;
    const source = code.readUInt8(place + 1) >> 4;
    const kind = opcode & 0x07; // 1: load, 2 and 3: store
    if (
      (kind === 1 && source === FRAME_POINTER) ||
      ((kind === 2 || kind === 3) && destination === FRAME_POINTER)
    ) {
      bytes = Math.max(bytes, -code.readInt16LE(place + 2));
    } else if (opcode === MOVE_REGISTER && source === FRAME_POINTER) {
      copies.add(destination);
    } else if (opcode === ADD_CONSTANT && copies.has(destination)) {
      bytes = Math.max(bytes, -code.readInt32LE(place + 4));
      copies.delete(destination);
    } else if (kind === 7 || kind === 4) {
      copies.delete(destination);
    }
  }
  return bytes;
}

function readSections(elf: Buffer): Section[] {
  const start = Number(elf.readBigUInt64LE(0x28));
  const count = elf.readUInt16LE(0x3c);
  const raw = Array.from({ length: count }, (_, i) => elf.subarray(start + 64 * i, start + 64 * (i + 1)));
  const names = Number(raw[elf.readUInt16LE(0x3e)]?.readBigUInt64LE(0x18) ?? 0);
  return raw.map((header) => ({
    name: textAt(elf, names + header.readUInt32LE(0)),
    type: header.readUInt32LE(4),
    offset: Number(header.readBigUInt64LE(0x18)),
    size: Number(header.readBigUInt64LE(0x20)),
    info: header.readUInt32LE(0x2c),
  }));
}

function readSymbols(elf: Buffer, sections: readonly Section[]): ElfSymbol[] {
  const table = sections.find(({ type }) => type === SYMTAB);
  const strings = sections.find(({ name }) => name === '.strtab');
  if (table === undefined || strings === undefined) throw new RangeError('an object without symbols');
  return Array.from({ length: table.size / 24 }, (_, i) => {
    const symbol = elf.subarray(table.offset + 24 * i, table.offset + 24 * (i + 1));
    return {
      name: textAt(elf, strings.offset + symbol.readUInt32LE(0)),
      type: symbol.readUInt8(4) & 0x0f,
      section: symbol.readUInt16LE(6),
      value: Number(symbol.readBigUInt64LE(8)),
      size: Number(symbol.readBigUInt64LE(16)),
    };
  });
}

/** By place in the section: the symbol that the linker is to put there. */
function relocationsOf(
  elf: Buffer,
  sections: readonly Section[],
  section: number,
  symbols: readonly ElfSymbol[],
): ReadonlyMap<number, ElfSymbol> {
  const found = new Map<number, ElfSymbol>();
  for (const { type, info, offset, size } of sections) {
    if (type !== REL || info !== section) continue;
    for (let at = offset; at < offset + size; at += 16) {
      const symbol = symbols[elf.readUInt32LE(at + 12)];
      if (symbol !== undefined) found.set(Number(elf.readBigUInt64LE(at)), symbol);
    }
  }
  return found;
}

function textAt(elf: Buffer, offset: number): string {
  return elf.toString('latin1', offset, elf.indexOf(0, offset));
}
