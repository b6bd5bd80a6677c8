// SPDX-License-Identifier: Apache-2.0
// What the page's sources and its bundle must keep to: text is never HTML, files stay small, the whole stays small.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const WEB = join(ROOT, 'web');
const ASSETS = join(ROOT, 'dist', 'page', 'assets');
const LINES_MAX = 310;
/** Compressed, all together. */
const BUNDLE_MAX_BYTES = 150_000;

const SOURCES = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(WEB, name), 'utf8') }));

function broken(rule: (text: string, name: string) => boolean): string[] {
  return SOURCES.filter(({ name, text }) => rule(text, name)).map(({ name }) => name);
}

test('nothing makes HTML of text, or code of it, or styles of a string', () => {
  assert.ok(SOURCES.length > 15, 'the sources are read');
  const forbidden =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|\beval\(|new Function|cssText|setAttribute\('(style|on)/;
  assert.deepEqual(
    broken((text) => forbidden.test(text)),
    [],
  );
});

test('no address but the own one is asked, none of them by an absolute path', () => {
  assert.deepEqual(
    broken((text, name) => name !== 'bundle.ts' && /https?:\/\/|(fetch|EventSource)\(['"`]\//.test(text)),
    [],
  );
});

test('what can be tested without a browser knows nothing of one', () => {
  const models = (text: string, name: string): boolean =>
    // What a network is, is one meaning for all: that file imports nothing.
    name.startsWith('model/') &&
    /from '\.\.\/(?!\.\.\/src\/cidr\.js')|\b(document|window|location|navigator)\./.test(text);
  assert.deepEqual(broken(models), []);
});

test('files stay small, say what they are, and have one meaning for a name', () => {
  assert.deepEqual(
    broken(
      (text) =>
        text.split('\n').length > LINES_MAX || !text.startsWith('// SPDX-License-Identifier: Apache-2.0\n'),
    ),
    [],
  );
  const names = SOURCES.flatMap(({ text }) =>
    [...text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)].map(
      ([, name]) => name,
    ),
  );
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test('the bundle is small, and there is one of each', {
  skip: !existsSync(ASSETS) && 'not built (make build)',
}, (t) => {
  const files = readdirSync(ASSETS);
  const endings = files.filter((name) => !name.endsWith('.gz')).map((name) => name.split('.').at(-1));
  assert.deepEqual(endings.sort(), ['css', 'js', 'svg']);
  const compressed = files.filter((name) => name.endsWith('.gz'));
  const bytes = compressed.reduce((sum, name) => sum + readFileSync(join(ASSETS, name)).length, 0);
  const html = readFileSync(join(ASSETS, '..', 'index.html'));
  t.diagnostic(`${bytes + html.length} bytes in ${relative(ROOT, ASSETS)}, compressed`);
  assert.ok(bytes + html.length <= BUNDLE_MAX_BYTES, `${bytes}`);
});
