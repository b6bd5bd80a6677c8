// SPDX-License-Identifier: Apache-2.0
// Makes dist/page out of web/: one script and one style sheet, their names telling their content, each also
// compressed. Usage: node dist/web/bundle.js. Part of the build, not of the page.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCE = join(ROOT, 'web');
const TARGET = join(ROOT, 'dist', 'page');
/** Browsers of the last two years. */
const BROWSERS = ['chrome120', 'firefox121'];

async function bundle(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: { app: join(SOURCE, 'app.ts'), style: join(SOURCE, 'style', 'app.css') },
    bundle: true,
    minify: true,
    format: 'esm',
    target: BROWSERS,
    outdir: TARGET,
    write: false,
    banner: { js: '/* with uPlot, (c) Leon Sorokin, MIT: uPlot-LICENSE beside the assets */' },
    logLevel: 'warning',
  });
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync(join(TARGET, 'assets'), { recursive: true });
  writeFileSync(join(TARGET, 'index.html'), readFileSync(join(SOURCE, 'index.html')));
  // Its licence asks for it.
  writeFileSync(join(TARGET, 'uPlot-LICENSE'), readFileSync(join(ROOT, 'node_modules', 'uplot', 'LICENSE')));
  for (const { path, contents } of outputFiles) {
    writeAsset('app', path.endsWith('.css') ? 'css' : 'js', contents);
  }
  writeAsset('icon', 'svg', readFileSync(join(SOURCE, 'icon.svg')));
}

function writeAsset(name: string, ending: string, content: Uint8Array): void {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const path = join(TARGET, 'assets', `${name}-${hash}.${ending}`);
  writeFileSync(path, content);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
}

await bundle();
