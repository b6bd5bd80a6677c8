// SPDX-License-Identifier: Apache-2.0
// A Node with flags of its own, for the variable NODE that bin/xtrace-catch runs. For tests only.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { atEnd } from '../cleanup.js';

/** A folder that is gone when the test process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-node-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a program that is this Node with these flags before the others. */
export function nodeWithFlags(...flags: readonly string[]): string {
  const words = [process.execPath, ...flags].map((word) => `'${word}'`).join(' ');
  return writeScript(`exec ${words} "$@"`);
}

/** This Node, which runs `code` (a CommonJS module) before the program. */
export function nodeAfter(code: string): string {
  const file = path.join(temporaryFolder(), 'before.cjs');
  writeFileSync(file, code);
  return nodeWithFlags('--require', file);
}

/** This Node, half a second later. */
export function slowNode(): string {
  return writeScript(`sleep 0.5\nexec '${process.execPath}' "$@"`);
}

/** No Node: prints what it would run with of these variables, one a line. */
export function nodeThatPrints(...variables: readonly string[]): string {
  return writeScript(variables.map((name) => `echo "$${name}"`).join('\n'));
}

function writeScript(commands: string): string {
  const file = path.join(temporaryFolder(), 'node');
  writeFileSync(file, `#!/bin/sh\n${commands}\n`, { mode: 0o755 });
  return file;
}
