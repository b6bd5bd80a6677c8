// SPDX-License-Identifier: Apache-2.0
// What a configuration that is read again changes: found by key, and none without a rule.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config/config.js';
import { compareConfigs, RELOAD_RULES, reloadRuleOf } from '../../src/config/reload-rules.js';
import { SETTINGS } from '../../src/config/settings.js';
import { settingPaths } from '../../src/config/settings-tree.js';
import { readRepositoryFile, resolveRun } from '../support/config/fixture-text.js';

function configOfText(text: string): Config {
  return resolveRun({ file: text });
}

const PATHS = settingPaths(SETTINGS);

test('every setting has a rule, and every rule is that of a setting or a section', () => {
  const ways = PATHS.map((path) => {
    const parts = path.split('.');
    return parts.map((_, depth) => parts.slice(0, depth + 1).join('.'));
  });
  assert.deepEqual(
    ways.filter((way) => !way.some((name) => name in RELOAD_RULES)).map((way) => way.at(-1)),
    [],
  );
  const names = new Set(ways.flat());
  assert.deepEqual(
    Object.keys(RELOAD_RULES).filter((name) => !names.has(name)),
    [],
  );
  assert.equal(reloadRuleOf('flows.max_series'), 'live');
  assert.equal(reloadRuleOf('nobody.thought.of.it'), 'restart');
});

test('a configuration is like itself', () => {
  const text = 'flows:\n  labels: [src_ip, dst_ip]\n  include: [protocol tcp]\npush:\n  headers: {X-A: b}\n';
  const { config, live, restart } = compareConfigs(configOfText(text), configOfText(text));
  assert.deepEqual([live, restart], [[], []]);
  assert.deepEqual(config, configOfText(text));
});

test('what changes is named by its key; what needs a restart stays as it was', () => {
  const before = configOfText('interval_ms: 1000\n');
  const after = configOfText(
    'filter: tcp\ninterval_ms: 2000\nattach_mode: generic\nweb:\n  listen_address: ":1"\n  max_requests: 3\npush:\n  retry: {on_429: false}\n',
  );
  const { config, live, restart } = compareConfigs(before, after);
  assert.deepEqual(live, ['filter', 'interval_ms', 'web.max_requests', 'push.retry.on_429']);
  assert.deepEqual(restart, ['attach_mode', 'web.listen_address']);
  assert.equal(config.attachMode, 'auto');
  assert.deepEqual(config.web, { ...after.web, listenAddress: before.web.listenAddress });
  assert.equal(config.push.retry.on429, false);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.push.retry));
});

test('to name the interface that is the default is a change: none is chosen any more', () => {
  assert.deepEqual(compareConfigs(configOfText(''), configOfText('interfaces: [eth0]\n')).live, [
    'interfaces',
  ]);
});

test('docs/configuration.md names what needs a restart', () => {
  const [, list = ''] =
    /These need a restart;[\s\S]*?into force:\n([\s\S]*?)\. What is in/.exec(
      readRepositoryFile('docs/configuration.md'),
    ) ?? [];
  assert.deepEqual(
    [...list.matchAll(/`([^`]+)`/g)].map((match) => match[1]).sort(),
    PATHS.filter((path) => reloadRuleOf(path) === 'restart').sort(),
  );
});
