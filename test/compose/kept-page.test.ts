// SPDX-License-Identifier: Apache-2.0
// When the page's files are read, and what becomes of the page when they go or change on disk.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { KeptPage } from '../../src/compose/kept-page.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function writePage(): string {
  const folder = temporaryFolder('xtrace-page-');
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), 'first');
  writeAsset(folder, 'app-01.js');
  return folder;
}

function writeAsset(folder: string, name: string): void {
  for (const file of [name, `${name}.gz`]) writeFileSync(path.join(folder, 'assets', file), file);
}

test('switched off, nothing is read; switched on, the files are there, and stay when they go from disk', () => {
  const folder = writePage();
  const [index, aside] = [path.join(folder, 'index.html'), path.join(folder, 'aside')];
  renameSync(index, aside);
  mkdirSync(index); // whoever reads it throws
  assert.throws(() => new KeptPage(folder, true), /EISDIR/);
  assert.equal(new KeptPage(folder, false).files, undefined);
  rmSync(index, { recursive: true });
  renameSync(aside, index);

  const page = new KeptPage(folder, false);
  assert.equal(page.switchOn(), undefined);
  assert.equal(page.files?.template, 'first');
  assert.deepEqual([...(page.files?.assets.keys() ?? [])], ['app-01.js']);
  rmSync(folder, { recursive: true });
  assert.equal(page.switchOn(), undefined);
  assert.equal(page.files?.template, 'first');
});

test('files that have gone meanwhile are said to be gone, and shown when they are back as they were', () => {
  const folder = writePage();
  const page = new KeptPage(folder, false);
  renameSync(folder, `${folder}-aside`);
  try {
    assert.deepEqual(page.switchOn(), {
      problem: `the page's files in ${folder} are not there: install the program again, and restart it`,
    });
    assert.equal(page.files?.template, undefined);
  } finally {
    renameSync(`${folder}-aside`, folder);
  }
  assert.equal(page.switchOn(), undefined);
  assert.equal(page.files?.template, 'first');
});

test('files that an upgrade has brought meanwhile are not shown: they are of another program', () => {
  const changes: Readonly<Record<string, (folder: string) => void>> = {
    'another script': (folder) => writeAsset(folder, 'app-02.js'),
    'another template': (folder) => writeFileSync(path.join(folder, 'index.html'), 'second version'),
    'another template of the same size': (folder) => utimesSync(path.join(folder, 'index.html'), 1, 1),
  };
  for (const [what, change] of Object.entries(changes)) {
    const folder = writePage();
    const page = new KeptPage(folder, false);
    change(folder);
    assert.deepEqual(
      page.switchOn(),
      { problem: `the page's files in ${folder} are others than when this process began: restart it` },
      what,
    );
    assert.equal(page.files, undefined);
  }
  const empty = temporaryFolder('xtrace-page-');
  const none = new KeptPage(empty, true);
  assert.equal(none.files, undefined); // a build without a page starts all the same
  assert.match(none.switchOn()?.problem ?? '', /are not there/);
});

test('files that cannot be read are no fault of the reload', () => {
  const folder = writePage();
  const page = new KeptPage(folder, false);
  rmSync(path.join(folder, 'index.html'));
  mkdirSync(path.join(folder, 'index.html'));
  assert.match(page.switchOn()?.problem ?? '', /cannot be read \(EISDIR/);
});
