// SPDX-License-Identifier: Apache-2.0
// web.ui switched on by a reload, in a build of its own: the page comes, or one sentence says why it does not.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { type Exporter, PROGRAM, startExporterAsConfigured } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ROOT = path.resolve(path.dirname(PROGRAM), '..');

/** What a package installs of the program. Its root. */
function installCopy(): string {
  const root = temporaryFolder('xtrace-copy-');
  for (const part of ['bin', 'package.json', 'dist/program', 'dist/page', 'dist/bpf']) {
    cpSync(path.join(ROOT, part), path.join(root, part), { recursive: true });
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));
  return root;
}

async function isPageThere(exporter: Exporter): Promise<boolean> {
  return (await (await exporter.page('/')).text()).includes('src="assets/');
}

kernelTest(
  'switched on by a reload the page is there; not where its files have gone or changed',
  async (t) => {
    const site = createSite(t, 'pr');
    site.addVeth('va');
    const root = installCopy();
    const folder = path.join(root, 'dist', 'page');
    const file = path.join(temporaryFolder('xtrace-page-reload-'), 'c.yaml');
    const write = (ui: boolean, srcPort = false): void =>
      writeFileSync(
        file,
        stringify({ interfaces: ['va'], interval_ms: 100, web: { ui }, flows: { src_port: srcPort } }),
      );
    write(false, true);
    const exporter = await startExporterAsConfigured({
      namespace: site.host,
      args: [`--config.file=${file}`],
      program: path.join(root, 'bin', path.basename(PROGRAM)),
    });
    t.after(() => exporter.stop('SIGKILL'));
    const reload = async (ui: boolean, said: string): Promise<void> => {
      write(ui);
      const before = exporter.child.stderr.length;
      exporter.child.kill('SIGHUP');
      await exporter.child.waitFor(said, () => exporter.child.stderr.slice(before).includes(said));
    };
    const succeeded = async () => (await exporter.scrape()).value('xtrace_config_last_reload_successful');
    assert.equal(await isPageThere(exporter), false);
    await site.send('va', udpFlows(1, 10));
    await exporter.scrapeUntil('ten flows', (now) => now.select('xtrace_network_bytes_total').length >= 10);
    const ended = async () => (await exporter.scrape()).sum('xtrace_series_ended_total');

    renameSync(folder, `${folder}-aside`);
    await reload(
      true,
      `not all is in force: all but the page is in force: the page's files in ${folder} are not`,
    );
    assert.equal(await succeeded(), 0);
    assert.equal((await exporter.page('/api/v1/overview')).status, 200);
    assert.equal(await isPageThere(exporter), false);
    const endedOnce = await ended();
    assert.ok(endedOnce >= 10, 'other labels end the series');
    await site.send('va', udpFlows(1, 10));
    await exporter.scrapeUntil('them again', (now) => now.select('xtrace_network_bytes_total').length > 0);
    await reload(true, 'not all is in force: all but the page is in force');
    assert.equal(await ended(), endedOnce, 'what is in force is not brought into force again');

    mkdirSync(folder);
    cpSync(`${folder}-aside`, folder, { recursive: true });
    const assets = path.join(folder, 'assets');
    const [script = ''] = readdirSync(assets).filter((name) => name.endsWith('.js'));
    for (const end of ['', '.gz']) {
      renameSync(path.join(assets, script + end), path.join(assets, `app-000000000000.js${end}`));
    }
    await reload(true, 'are others than when this process began: restart it');
    assert.equal(await isPageThere(exporter), false);

    renameSync(folder, `${folder}-newer`);
    renameSync(`${folder}-aside`, folder);
    await reload(true, 'SIGHUP: ');
    assert.equal(await succeeded(), 1);
    assert.equal(await isPageThere(exporter), true);

    renameSync(folder, `${folder}-aside`);
    await reload(false, 'in force now: web.ui');
    assert.equal(await isPageThere(exporter), false);
    await reload(true, 'in force now: web.ui');
    assert.equal(await isPageThere(exporter), true); // as it was kept
    assert.equal((await exporter.page(`/assets/${script}`)).status, 200);
  },
);
