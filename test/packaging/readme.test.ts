// SPDX-License-Identifier: Apache-2.0
// The README and docs/ are held to the program: metrics, settings, rooms, and every command in them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { parse, stringify } from 'yaml';
import { VARIABLES } from '../../src/config/environment.js';
import { FLAGS } from '../../src/config/flags.js';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { isSetting, type SettingsSection } from '../../src/config/settings-tree.js';
import { parseWebFile } from '../../src/config/web-file.js';
import { renderExposition } from '../../src/exposition/render-exposition.js';
import { CATALOG } from '../../src/metrics/catalog.js';
import { flowFamilies } from '../../src/metrics/flow-families.js';
import { FLOW_LABELS } from '../../src/metrics/flow-label-fields.js';
import { waitFor } from '../support/conditions.js';
import { createManySeries } from '../support/exposition/series-fixture.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { Namespace } from '../support/kernel/namespace.js';
import { readPages } from '../support/pages.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const PAGES = readPages();
const README = PAGES.get('README.md') ?? '';
/** All pages, one after the other. */
const BOOK = [...PAGES.values()].join('\n\n');

function rowsBetween(start: string, end: string): string[][] {
  const from = BOOK.indexOf(start);
  const to = BOOK.indexOf(end, from + start.length);
  assert.ok(from >= 0 && to > from, `no section from "${start}" to "${end}"`);
  return BOOK.slice(from, to)
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-| ]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

test('the metrics table is the catalogue', () => {
  const [, ...rows] = rowsBetween('<!-- metrics table', '<!-- end of metrics table');
  const expected = CATALOG.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.join() === FLOW_LABELS.join() ? '(flow labels)' : labels.map((label) => `\`${label}\``).join(' '),
    help,
  ]);
  assert.deepEqual(rows, expected);
});

test('the labels of flows are named in their order', () => {
  assert.ok(BOOK.replace(/\s+/g, ' ').includes(`\`${FLOW_LABELS.join(' ')}\``));
});

test('the table of settings has every setting, in order, with its flags, its variable and its default', () => {
  const [, ...rows] = rowsBetween('| flag | environment |', '\n\n');
  const inCode = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');
  const wanted = settingsOf(SETTINGS).map(([path, value]) => {
    const flags = FLAGS.filter(({ setting }) => setting === path).flatMap(({ short, name }) =>
      short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`],
    );
    const variables = VARIABLES.filter(({ setting }) => setting === path).map(({ name }) => name);
    const isPlain = (Array.isArray(value) && value.length > 0) || (typeof value !== 'object' && value !== '');
    const shown = isPlain ? String(value) : JSON.stringify(value);
    return [inCode(flags), inCode(variables), inCode([path]), inCode([shown])];
  });
  // What follows a default in words is for people.
  const told = rows.map(([flags, variable, file, usual = '']) => [
    flags,
    variable,
    file,
    /^`[^`]*`/.exec(usual)?.[0],
  ]);
  assert.deepEqual(told, wanted);
});

/** Dotted path and default of each setting. */
function settingsOf(section: SettingsSection, prefix = ''): [path: string, value: unknown][] {
  return Object.entries(section).flatMap(([key, node]) =>
    isSetting(node)
      ? [[prefix + key, node.default] as [string, unknown]]
      : settingsOf(node, `${prefix}${key}.`),
  );
}

test('the table of rooms names every folder of src', () => {
  const rows = rowsBetween('| room | does |', '\n\n');
  const named = rows.flatMap(([cell]) =>
    [...(cell ?? '').matchAll(/`src\/([\w.-]+)`/g)].map((match) => match[1]),
  );
  const open = ['cli.ts', 'errors.ts', 'log.ts'];
  assert.deepEqual(
    readdirSync(join(ROOT, 'src'))
      .filter((name) => !open.includes(name))
      .sort(),
    named.sort(),
  );
});

test('files that it links to are there, and its snippets are YAML', () => {
  for (const [page, text] of PAGES) {
    for (const [, path = '', heading] of text.matchAll(/\]\((?!http)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(ROOT, target)), `${page} links to ${target}, which is missing`);
      if (heading === undefined) continue;
      const anchors = [...(PAGES.get(target) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      assert.ok(anchors.includes(heading), `${page} links to ${target}#${heading}, which is no heading`);
    }
  }
  const snippets = [...BOOK.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    (match) => parse(match[1] ?? '') as unknown,
  );
  assert.ok(snippets.length >= 2);
  for (const snippet of snippets) {
    const parts = snippet as {
      scrape_configs?: unknown;
      push?: unknown;
      tls_server_config?: unknown;
      basic_auth_users?: unknown;
      kind?: unknown;
      resources?: unknown;
    };
    const { scrape_configs: scrapes, push } = parts;
    if (parts.tls_server_config !== undefined) {
      // What stands there for a hash is none.
      const { basic_auth_users: _, ...rest } = parts;
      const parsed = parseWebFile('/web.yaml', Buffer.from(stringify(rest)));
      assert.ok(!('problems' in parsed), JSON.stringify(parsed));
    } else if (parts.kind === 'Kustomization') {
      assert.deepEqual(parts.resources, ['../xtrace-catch/deploy/kubernetes']);
    } else if (push !== undefined) {
      const text = Buffer.from(stringify(snippet));
      resolveConfig({ argv: ['--config.file=readme.yaml'], env: {}, readFile: () => text });
    } else assert.ok(Array.isArray(scrapes));
  }
});

test('it says the size of a flow in a scrape as docker-compose.yml does, and as it is', async () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  const [said, saidThere] = [README, compose].map((text) =>
    Number(/one flow costs about (\d+) bytes of/i.exec(text)?.[1]),
  );
  assert.equal(said, saidThere);
  const flows = flowFamilies(createManySeries(1000));
  const { bytes } = await renderExposition('text', { families: [], flows }, { yieldToLoop: setImmediate });
  // Numbers grow with time.
  assert.ok(Math.abs(bytes / 1000 - (said ?? 0)) < 40, `${bytes / 1000} bytes`);
});

test('it is short, links to every page, and each page says who should read it', () => {
  assert.ok(README.split('\n').length <= 250);
  for (const [page, text] of PAGES) {
    if (page === 'README.md') continue;
    assert.ok(README.includes(`](${page}`), `README.md does not link to ${page}`);
    assert.match(text, /^# .+\n\nFor those who [^\n]+[.:]\n\n/, page);
  }
});

test('no placeholder was left behind', () => {
  assert.deepEqual(BOOK.match(/@[A-Z_]+@|TODO|FIXME/g) ?? [], []);
});

// Every command: how it is run here. One that is not in this table fails the test.

const COMMANDS = [
  ...new Set(
    [...BOOK.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').trim().split('\n')),
  ),
];

/** Of what `make run` serves. */
const ASKS_API = /^curl -sN? '?http:\/\/localhost:10060\/api\/v1\//;

/** Asks make what it would do, without doing it: the target exists and its parts can be made. */
function dryRun(target: string): void {
  const output = execFileSync('make', ['-n', target], { cwd: ROOT, encoding: 'utf8' });
  assert.ok(output.length > 0);
}

function runHere(command: string): string {
  return execFileSync('sh', ['-c', command], { cwd: ROOT, encoding: 'utf8' });
}

/** make run, in a namespace of its own that has eth0 and eth1. */
async function runUntilServing(command: string): Promise<void> {
  // A namespace has no way to a registry, and other tests use what an installation would replace.
  const steps = execFileSync('make', ['-n', 'build'], { cwd: ROOT, encoding: 'utf8' });
  assert.doesNotMatch(steps, /npm ci/, 'run "make build" first');
  const site = new Namespace('readme');
  try {
    for (const name of ['eth0', 'eth1']) {
      site.exec('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
      site.exec('ip', 'link', 'set', name, 'up');
    }
    const child = site.start('sh', ['-c', `exec ${command}`], { cwd: ROOT });
    const url = await waitFor(
      `"${command}" to say where the metrics are`,
      () => /metrics are at (http\S+\w)/.exec(child.stderr)?.[1],
      { limitMs: 120_000 },
    );
    assert.equal(url, 'http://localhost:10060/metrics');
    const body = site.exec('curl', '-s', 'http://localhost:10060/metrics');
    assert.match(body, /^xtrace_interface_attached\{interface="eth0"\} 1$/m);
    for (const asked of COMMANDS.filter((one) => ASKS_API.test(one))) {
      const answer = site.exec('sh', '-c', `${asked} --max-time 10 || test $? = 28`);
      assert.ok(
        asked.endsWith('/events') ? answer.startsWith('retry: ') : JSON.parse(answer).refresh > 0,
        asked,
      );
    }
    await child.stop();
  } finally {
    site.dispose();
  }
}

/** In a namespace that has eth0: what comes out has the rows of the sample, or the keys of the table. */
function examine(command: string): void {
  const site = new Namespace('doctor');
  try {
    site.exec('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0p');
    site.exec('ip', 'link', 'set', 'eth0', 'up');
    site.exec('ip', 'link', 'set', 'eth0p', 'up');
    const output = site.exec('sh', '-c', `cd ${ROOT} && ${command}`);
    if (command.includes('--json')) {
      const keys = new Set([...output.matchAll(/"(\w+)":/g)].map((match) => match[1] ?? ''));
      assert.ok(keys.size > 40);
      const told = rowsBetween('| key | holds |', '\n\n').flat().join();
      assert.deepEqual(
        [...keys].filter(
          (key) =>
            !told.includes(`\`${key}\``) && !told.includes(`\`${key}[]\``) && !told.includes(`\`.${key}`),
        ),
        [],
      );
    } else {
      const sample = /\n```\n(xtrace-catch \S+ doctor\n[\s\S]*?)```/.exec(BOOK)?.[1] ?? '';
      const rows = (text: string) =>
        /^host\n[\s\S]*?^eth0 \(configured\)$/m.exec(text)?.[0].match(/^ {2}\S+/gm);
      assert.deepEqual(
        rows(output)?.filter((row) => row !== '  WARNING:'),
        rows(sample),
      );
    }
  } finally {
    site.dispose();
  }
}

/** The same, for a moment and without traffic: it says that there is none. */
function estimateNothing(command: string): void {
  const site = new Namespace('estimate');
  try {
    site.exec('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0p');
    site.exec('ip', 'link', 'set', 'eth0', 'up');
    site.exec('ip', 'link', 'set', 'eth0p', 'up');
    const short = command.replace(/--for \S+/, '--for 500ms');
    assert.notEqual(short, command);
    assert.match(site.exec('sh', '-c', `cd ${ROOT} && ${short}`), /no packet came in on eth0/);
  } finally {
    site.dispose();
  }
}

/** The installation, into a folder instead of the system's; what was installed runs. */
function installInto(command: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-install-'));
  try {
    runHere(`${command} DESTDIR=${folder}`);
    assert.match(runHere(`${folder}/opt/xtrace-catch/bin/xtrace-catch --version`), /^xtrace-catch, version/);
    const unit = readFileSync(join(folder, 'etc/systemd/system/xtrace-catch.service'), 'utf8');
    const program = /^ExecStart=(\S+)/m.exec(unit)?.[1] ?? '';
    assert.equal(readlinkSync(join(folder, program)), '/opt/xtrace-catch/bin/xtrace-catch');
    assert.ok(existsSync(join(folder, 'etc/xtrace-catch/xtrace-catch.yaml')));
    for (const [installed, built] of [
      ['bash-completion/completions/xtrace-catch', 'completions/xtrace-catch.bash'],
      ['zsh/vendor-completions/_xtrace-catch', 'completions/_xtrace-catch'],
      ['man/man1/xtrace-catch.1.gz', 'man/xtrace-catch.1'],
    ] as const) {
      const bytes = readFileSync(join(folder, 'usr/share', installed));
      const text = installed.endsWith('.gz') ? gunzipSync(bytes) : bytes;
      assert.deepEqual(text, readFileSync(join(ROOT, 'dist', built)), installed);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('every command in the README and docs', () => {
  const handled = new Set<string>();
  const handle = (
    pattern: RegExp,
    how: (command: string) => void | Promise<void>,
    needsKernel = false,
  ): void => {
    for (const command of COMMANDS.filter((one) => pattern.test(one))) {
      handled.add(command);
      (needsKernel ? kernelTest : test)(command, () => how(command));
    }
  };
  handle(/^make run/, runUntilServing, true);
  // Run from within themselves they would never end, or measure this test.
  handle(
    /^make (test|test-unit|test-vm|test-vm-arm64|test-packages|bench|clean|format|deb|dist)$/,
    (command) => dryRun(command.slice('make '.length)),
  );
  handle(/^make (build|lint|help)$/, (command) => void runHere(command));
  handle(/^bin\/xtrace-catch doctor/, examine, true);
  // test/top-terminal runs it, on a terminal.
  handle(/^bin\/xtrace-catch top/, (command) => {
    const argv = command.split(' ').slice(1);
    assert.equal(resolveConfig({ argv, env: {}, readFile: assert.fail }).action, 'top');
  });
  handle(/^bin\/xtrace-catch estimate/, estimateNothing, true);
  handle(/^bin\/xtrace-catch -/, (command) => assert.ok(runHere(command).length > 0));
  handle(/^make install$/, installInto);
  // test/e2e/api.test.ts asks on such a socket.
  handle(/^curl -s --unix-socket \S+ http:\/\/localhost\/api\/v1\/pairs$/, () => undefined);
  // The same address, asked within runUntilServing.
  handle(ASKS_API, () => undefined);
  handle(/^curl -s http:\/\/localhost:10060\/metrics$/, () => undefined);
  // These need a service manager or a container engine; test/packaging holds their files.
  handle(/^systemctl enable --now xtrace-catch$/, () =>
    assert.ok(existsSync(join(ROOT, 'systemd/xtrace-catch.service'))),
  );
  handle(/^docker compose up -d$/, () => assert.ok(existsSync(join(ROOT, 'docker-compose.yml'))));
  // kubernetes.test.ts, helm.test.ts and compose-stack.test.ts hold what these name.
  handle(/^(docker compose -f|kubectl apply -k|helm install xtrace-catch) /, (command) => {
    const [named = ''] = /deploy\/\S+/.exec(command) ?? [];
    assert.ok(existsSync(join(ROOT, named)), named);
  });
  // test/packaging builds this image and runs it with these capabilities, and installs this package.
  handle(/^docker build -t xtrace-catch \.$/, () => assert.ok(existsSync(join(ROOT, 'Dockerfile'))));
  handle(/^docker run -d /, (command) => {
    const how = command.includes('--privileged')
      ? '--privileged --network host -v /sys/fs/bpf:/sys/fs/bpf'
      : '--network host --cap-add BPF --cap-add NET_ADMIN --cap-add PERFMON';
    assert.equal(command, `docker run -d ${how} xtrace-catch -i eth0`);
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    assert.ok(dockerfile.includes(`#   docker run ${how} xtrace-catch -i eth0`));
  });
  handle(/^npm pack$/, () => assert.ok(existsSync(join(ROOT, 'scripts/bundle-addons'))));
  handle(/^npm install -g /, (command) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.equal(command, `npm install -g ./xtrace-catch-${version}.tgz`);
  });

  // test/packages makes, checks, unpacks and installs these, under these names.
  handle(/^(apt install|sha256sum|tar|xtrace-catch-[\d.]+-linux-x64\/)/, (command) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const names = [`xtrace-catch_${version}-1_amd64.deb`, `xtrace-catch-${version}-linux-x64`, 'SHA256SUMS'];
    assert.ok(
      names.some((name) => command.includes(name)),
      command,
    );
  });

  test('is in this table', () => {
    assert.ok(COMMANDS.length >= 12);
    assert.deepEqual(
      COMMANDS.filter((command) => !handled.has(command)),
      [],
    );
  });
});
