// SPDX-License-Identifier: Apache-2.0
// The layouts restated in src/abi/ against the BTF of the object as built.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FRAMING, FRAMING_MAX, KIND, KIND_MAX, TRAFFIC_TYPES } from '../../src/abi/kinds.js';
import {
  ABI_VERSION,
  CONTROL,
  FLOW_COUNT,
  FLOW_KEY4,
  FLOW_KEY6,
  FLOW_SLOT4,
  FLOW_SLOT6,
  MARK_LINE_BYTES,
  OPTIONS,
  OVERFLOW_KEY,
  PORT_WORDS,
  SKETCH_SIZE,
  SLOT_SET4,
  SLOT_SET6,
  SLOT_STATE,
} from '../../src/abi/layout.js';
import { FRAME_REASONS, frameReasonName, REASON_MAX } from '../../src/abi/reasons.js';
import {
  OPCODE_FACTS,
  PORT_BUCKETS,
  PORT_SPREAD_KEY_SIZE,
  PSN_DIRECTION,
  PSN_SET,
  PSN_WAYS,
  PSN_WINDOW,
  PSN_WINDOW_PSNS,
  ROCE_CELL,
  ROCE_CELLS,
  ROCE_KEY,
  ROCE_KEY_WORDS,
  ROCE_MALFORMED,
  ROCE_OVERFLOW_KEY,
  ROCE_SHAPE,
  ROCE_SIZE_BOUNDS,
  ROCE_SLOT_WAYS,
  ROCE_SLOT4,
  ROCE_SLOT6,
  ROCE_TRANSPORT,
} from '../../src/abi/roce-records.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OBJECT = join(ROOT, 'dist', 'bpf', 'flow.bpf.o');

interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly members?: readonly {
    readonly name: string;
    readonly type_id: number;
    readonly bits_offset: number;
  }[];
  readonly vars?: readonly { readonly type_id: number; readonly size: number }[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
}

function readBtf(): BtfType[] {
  const json = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', OBJECT], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  });
  return (JSON.parse(json) as { types: BtfType[] }).types;
}

const TYPES = readBtf();

function struct(name: string): BtfType {
  const found = TYPES.find((type) => type.kind === 'STRUCT' && type.name === name);
  assert.ok(found, `struct ${name} is not in the object's BTF`);
  return found;
}

/** Bytes of a global variable. */
function variableSize(name: string): number | undefined {
  const id = TYPES.find((type) => type.kind === 'VAR' && type.name === name)?.id;
  const section = TYPES.find(
    (type) => type.kind === 'DATASEC' && type.vars?.some((one) => one.type_id === id),
  );
  return section?.vars?.find((one) => one.type_id === id)?.size;
}

/** src_ip -> srcIp. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const LAYOUTS: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
  ['flow_key4', FLOW_KEY4],
  ['flow_key6', FLOW_KEY6],
  ['flow_count', FLOW_COUNT],
  ['flow_slot4', FLOW_SLOT4],
  ['flow_slot6', FLOW_SLOT6],
  ['slot_state', SLOT_STATE],
  ['overflow_key', OVERFLOW_KEY],
  ['options', OPTIONS],
  ['control', CONTROL],
  ['roce_key', ROCE_KEY],
  ['roce_overflow_key', ROCE_OVERFLOW_KEY],
  ['psn_set', PSN_SET],
  ['psn_window', PSN_WINDOW],
  ['roce_shape', ROCE_SHAPE],
  ['roce_slot4', ROCE_SLOT4],
  ['roce_slot6', ROCE_SLOT6],
  ['opcode_facts', OPCODE_FACTS],
];

for (const [name, layout] of LAYOUTS) {
  test(`struct ${name} is as src/abi/ says`, () => {
    const type = struct(name);
    const actual: Record<string, number> = { size: type.size ?? 0 };
    for (const member of type.members ?? []) {
      const at = member.bits_offset / 8;
      // The tail that both IP versions share: its members are the key's, or the slot's.
      const tail =
        member.name === 'traits'
          ? 'flow_traits'
          : name.startsWith('roce_slot') && member.name === 'count'
            ? 'roce_slot_count'
            : undefined;
      const inner = tail === undefined ? [] : (struct(tail).members ?? []);
      if (inner.length === 0) actual[camelCase(member.name)] = at;
      for (const { name: part, bits_offset } of inner) actual[camelCase(part)] = at + bits_offset / 8;
    }
    assert.deepEqual(actual, { ...layout });
  });
}

test('the sketch and the ports have the sizes of src/abi/', () => {
  assert.equal(struct('flow_sketch').size, SKETCH_SIZE);
  assert.equal(variableSize('ephemeral_ports'), 4 * PORT_WORDS);
});

test('sets hold slots without a gap, lines hold marks', () => {
  assert.equal(struct('slot_set4').size, SLOT_SET4.size);
  assert.equal(struct('slot_set6').size, SLOT_SET6.size);
  assert.equal(FLOW_SLOT4.size * SLOT_SET4.ways, SLOT_SET4.size);
  assert.equal(FLOW_SLOT6.size * SLOT_SET6.ways, SLOT_SET6.size);
  assert.equal(struct('mark_line').size, MARK_LINE_BYTES);
});

test('the cells of RoCE counts and their codes are those of bpf/abi.h', () => {
  const numbers = headerNumbers();
  const upper = (name: string): string => name.replace(/[A-Z]|10us/g, (part) => `_${part}`).toUpperCase();
  const codes = (prefix: string, table: Readonly<Record<string, number>>): void => {
    for (const [name, number] of Object.entries(table)) {
      assert.equal(numbers.get(prefix + upper(name)), number, prefix + upper(name));
    }
  };
  codes('ROCE_', ROCE_CELL);
  codes('ROCE_', ROCE_TRANSPORT);
  codes('ROCE_MALFORMED_', ROCE_MALFORMED);
  codes('PSN_', PSN_DIRECTION);
  assert.equal(struct('roce_set4').size, ROCE_SLOT_WAYS * ROCE_SLOT4.size);
  assert.equal(struct('roce_set6').size, ROCE_SLOT_WAYS * ROCE_SLOT6.size);
  assert.equal(struct('port_spread').size, 8 * PORT_BUCKETS);
  assert.equal(PORT_SPREAD_KEY_SIZE, ROCE_KEY.pad);
  assert.equal(8 * (PSN_WINDOW.unjudged - PSN_WINDOW.missing), PSN_WINDOW_PSNS);
  assert.equal(struct('roce_count').size, 8 * ROCE_CELLS);
  assert.equal(4 * ROCE_KEY_WORDS, ROCE_KEY.size);
  assert.equal(16 * PSN_WAYS, PSN_SET.size);
  assert.equal(ROCE_CELL.readSizes - ROCE_CELL.writeSizes, ROCE_SIZE_BOUNDS + 1);
  assert.ok(ROCE_CELL.readSizes + ROCE_SIZE_BOUNDS < ROCE_CELLS);
});

/** NAME -> number of every enumerator in bpf/abi.h; BTF keeps only the enums that code uses. */
function headerNumbers(): Map<string, number> {
  const header = ['abi.h', 'roce-abi.h']
    .map((name) => readFileSync(join(ROOT, 'bpf', name), 'utf8'))
    .join('\n');
  const numbers = new Map<string, number>();
  for (const match of header.matchAll(/^\s*([A-Z][A-Z0-9_]+) =\s+(\d+),/gm)) {
    numbers.set(match[1] ?? '', Number(match[2]));
  }
  const version = /#define ABI_VERSION (\d+)/.exec(header);
  numbers.set('ABI_VERSION', Number(version?.[1]));
  return numbers;
}

test('codes of kinds, framings and reasons are those of bpf/abi.h', () => {
  const numbers = headerNumbers();
  const withPrefix = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      [...numbers]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length).toLowerCase(), value]),
    );
  const camel = (codes: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(codes).map(([name, value]) => [camelCase(name), value]));

  const { max: kindMax, ...kinds } = withPrefix('KIND_');
  assert.deepEqual(camel(kinds), { ...KIND });
  assert.equal(kindMax, KIND_MAX);
  assert.equal(TRAFFIC_TYPES.length, KIND_MAX);

  const { max: framingMax, ...framings } = withPrefix('FRAMING_');
  assert.deepEqual(camel(framings), { ...FRAMING });
  assert.equal(framingMax, FRAMING_MAX);

  const { max: reasonMax, none, ...reasons } = withPrefix('REASON_');
  assert.equal(none, 0);
  assert.equal(reasonMax, REASON_MAX);
  assert.equal(FRAME_REASONS.length, REASON_MAX);
  assert.deepEqual(
    Object.fromEntries(FRAME_REASONS.flatMap((name, code) => (name === '' ? [] : [[name, code]]))),
    reasons,
  );
  assert.equal(numbers.get('ABI_VERSION'), ABI_VERSION);
});

test('an unknown code is shown, not hidden', () => {
  assert.equal(frameReasonName(9), 'reason_9');
  assert.equal(frameReasonName(200), 'reason_200');
});
