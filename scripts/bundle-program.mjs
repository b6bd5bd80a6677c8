// SPDX-License-Identifier: Apache-2.0
// Makes dist/program out of dist/src: the program as it is shipped and run, in a few files instead of some 500, each of
// which Node would find, read and link by itself. What import() loads stays in files of its own; their names tell
// their content, so that a running program never gets a part of another build. Usage: node scripts/bundle-program.mjs

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = join(ROOT, 'dist', 'src');
const TARGET = join(ROOT, 'dist', 'program');
const FRESH = `${TARGET}.new`;

/** Native addons find their libraries beside their own files. */
const ADDONS = ['ffi-napi', 'ref-napi', 'snappy', '@node-rs/bcrypt'];
/** Loaded by express for what nobody here calls: bodies of requests (with 500 KB of character sets), types by file name. */
const UNUSED = ['body-parser', 'mime-db'];

/** An import of one of Node's own modules reads all its names, and with them parts that Node loads only when they are read. */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path }) => {
      const name = path.replace(/^node:/, '');
      return builtinModules.includes(name) ? { path: `node:${name}`, namespace: 'builtin' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require_builtin(${JSON.stringify(path)});`,
    }));
  },
};

const unused = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z-]+$/ }, ({ path }) =>
      UNUSED.includes(path) ? { path, namespace: 'unused' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

// Of a run that was cut short.
rmSync(FRESH, { recursive: true, force: true });
const { metafile } = await build({
  // With the processes that it forks, by their files' names.
  entryPoints: {
    cli: join(SOURCE, 'cli.js'),
    'rdma-reader-main': join(SOURCE, 'rdma', 'rdma-reader-main.js'),
    'nic-reader-main': join(SOURCE, 'nic', 'nic-reader-main.js'),
  },
  absWorkingDir: ROOT,
  outdir: FRESH,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160, // Node prints the line of an error that nobody caught
  legalComments: 'none', // in LICENSES
  external: ADDONS,
  plugins: [builtins, unused],
  banner: {
    js: "import{createRequire as create_require}from'node:module';const require_builtin=create_require(import.meta.url),require=require_builtin;",
  },
  metafile: true,
  logLevel: 'warning',
});

/** Of packages, by their folder in the root. */
function packagesOf(inputs) {
  const folders = Object.keys(inputs).flatMap((file) => {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
    return match === null ? [] : [match[1]];
  });
  return [...new Set(folders)].sort();
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const files = readdirSync(join(ROOT, folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(ROOT, folder, file), 'utf8').trim());
  return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}

mkdirSync(FRESH, { recursive: true });
const licences = packagesOf(metafile.inputs).map(licenceOf);
writeFileSync(join(FRESH, 'LICENSES'), licences.join(`\n${'-'.repeat(78)}\n\n`));
// At once: an exporter that starts in the middle of it finds the one or the other.
const former = `${TARGET}.old`;
rmSync(former, { recursive: true, force: true });
if (existsSync(TARGET)) renameSync(TARGET, former);
renameSync(FRESH, TARGET);
rmSync(former, { recursive: true, force: true });
