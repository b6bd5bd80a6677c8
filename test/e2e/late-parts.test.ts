// SPDX-License-Identifier: Apache-2.0
// What a running exporter has loaded, what it loads when a configuration asks for it, and what it says where the files
// of the program are gone by then, as after an upgrade in place.

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CLI = path.join(ROOT, 'dist/src/cli.js');

/** Module hooks that write the address of all that is loaded into a file. */
function recordingNode(folder: string): { through: string[]; loaded(): string[] } {
  const list = path.join(folder, 'loaded');
  writeFileSync(list, '');
  const hooks = path.join(folder, 'hooks.mjs');
  writeFileSync(
    hooks,
    `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); }`,
  );
  const register = path.join(folder, 'register.mjs');
  writeFileSync(
    register,
    `import { register } from 'node:module'; register(${JSON.stringify(`file://${hooks}`)});`,
  );
  return {
    through: [process.execPath, '--import', register],
    loaded: () =>
      readFileSync(list, 'utf8')
        .split('\n')
        .map((url) => url.replace(`file://${ROOT}`, '')),
  };
}

const LATE = /^dist\/src\/(push|doctor|estimate|top|web-config)\/|node_modules\/(snappy|@node-rs|yaml)\//;

function settings(push: Record<string, unknown> = {}) {
  return {
    interfaces: ['va'],
    interval_ms: 200,
    flows: { new_series: 'at_value' },
    push: { url: 'http://127.0.0.1:9/api/v1/write', ...push },
  };
}

async function start(t: TestContext, program: string, through: readonly string[] = []): Promise<Exporter> {
  const site = createSite(t, 'lp');
  site.addVeth('va');
  const exporter = await startExporter({ namespace: site.host, program, through, settings: settings() });
  t.after(() => exporter.stop('SIGKILL'));
  return exporter;
}

/** Its configuration file. */
function fileOf(exporter: Exporter): string {
  return (
    /--config\.file=(\S+)/.exec(
      readFileSync(`/proc/${exporter.child.pid}/cmdline`, 'utf8').replace(/\0/g, ' '),
    )?.[1] ?? ''
  );
}

kernelTest('what is not asked for is not loaded, and what is asked for later is then', async (t) => {
  const { through, loaded } = recordingNode(temporaryFolder('xtrace-loaded-'));
  const exporter = await start(t, CLI, through);
  const atStart = loaded();
  assert.ok(
    atStart.some((url) => url.endsWith('src/compose/exporter.js')),
    'the list is one',
  );
  assert.deepEqual(
    atStart.filter((url) => LATE.test(url) && !url.includes('/yaml/')),
    [],
  );
  writeFileSync(fileOf(exporter), JSON.stringify(settings({ enabled: true })));
  exporter.child.kill('SIGHUP');
  await exporter.logged(/SIGHUP: in force now: push\.enabled/);
  assert.ok(loaded().some((url) => url.includes('src/push/pusher.js')));
  assert.equal((await exporter.scrape()).value('xtrace_push_queue_limit_bytes') > 0, true);
});

/** The program in a folder of its own, as a package puts it there. */
function installedCopy(): { program: string; parts: string } {
  const folder = temporaryFolder('xtrace-installed-');
  for (const name of ['bin', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  mkdirSync(path.join(folder, 'dist'));
  for (const name of ['program', 'build-info.json'])
    cpSync(path.join(ROOT, 'dist', name), path.join(folder, 'dist', name), { recursive: true });
  for (const name of ['dist/bpf', 'dist/page', 'node_modules'])
    symlinkSync(path.join(ROOT, name), path.join(folder, name));
  return { program: path.join(folder, 'bin/xtrace-catch'), parts: path.join(folder, 'dist/program') };
}

kernelTest('after an upgrade in place, a reload that needs a part of before is refused whole', async (t) => {
  const { program, parts } = installedCopy();
  const exporter = await start(t, program);
  const [part] = readdirSync(parts).filter((name) => name.startsWith('connect-push-'));
  assert.ok(part !== undefined, 'the part has a file of its own');
  // Another version has the same under another name.
  const replaced = path.join(parts, 'connect-push-OTHER.js');
  renameSync(path.join(parts, part), replaced);
  writeFileSync(fileOf(exporter), JSON.stringify({ ...settings({ enabled: true }), interval_ms: 300 }));
  exporter.child.kill('SIGHUP');
  await exporter.logged(
    /the configuration stays as it was: what pushing needs of this program cannot be loaded: files of it were replaced or removed; restart it/,
  );
  const { series } = await exporter.scrape();
  assert.ok(![...series.values()].some(({ name }) => name.startsWith('xtrace_push_')));
  // What needs no other part is brought into force as ever.
  writeFileSync(fileOf(exporter), JSON.stringify({ ...settings(), interval_ms: 300 }));
  exporter.child.kill('SIGHUP');
  await exporter.logged(/SIGHUP: in force now: interval_ms/);
  await waitFor('it to refresh', async () => (await exporter.scrape()).value('xtrace_refreshes_total') > 2);
});
