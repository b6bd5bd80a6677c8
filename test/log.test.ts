// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createLogger, type LogOptions, renderDropNotice, renderLogfmt } from '../src/log.js';

const ROOT = join(import.meta.dirname, '..', '..');

function collect(options: LogOptions) {
  const lines: string[] = [];
  const log = createLogger(options, { destination: { write: (line: string) => lines.push(line) } });
  return { log, lines };
}

/** Takes the time out, having looked at it. */
function withoutTime(line: string): string {
  const timed = /("time":"|time=)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z("?)/;
  assert.match(line, timed);
  return line.replace(timed, '$1T$2');
}

const fault = (): Error => Object.assign(new Error('it broke'), { code: 'KERNEL' });

describe('json', () => {
  test('level as a word, ISO time, msg, no pid and host name', () => {
    const { log, lines } = collect({ level: 'info', format: 'json' });
    log.info('hello');
    log.warn({ interface: 'eth0', n: 3 }, 'careful');
    assert.deepEqual(lines.map(withoutTime), [
      '{"level":"info","time":"T","msg":"hello"}\n',
      '{"level":"warn","time":"T","interface":"eth0","n":3,"msg":"careful"}\n',
    ]);
  });

  test('an Error under any key shows message and code; its stack at the debug level only', () => {
    for (const level of ['info', 'debug'] as const) {
      const { log, lines } = collect({ level, format: 'json' });
      log.error({ err: fault() }, 'failed');
      log.child({ why: fault() }).error('failed');
      const shown = lines.map((line) => JSON.parse(line) as Record<string, Record<string, string>>);
      for (const error of [shown[0]?.['err'], shown[1]?.['why']]) {
        assert.equal(error?.['message'], 'it broke');
        assert.equal(error?.['code'], 'KERNEL');
        assert.equal('stack' in (error ?? {}), level === 'debug');
      }
    }
  });
});

describe('logfmt', () => {
  test('time, level, msg, then the fields', () => {
    const { log, lines } = collect({ level: 'info', format: 'logfmt' });
    log.child({ interface: 'eth0' }).info({ mode: 'native', errors: [1, 2] }, 'attached');
    log.error({ err: fault() }, 'it did not work');
    assert.deepEqual(lines.map(withoutTime), [
      'time=T level=info msg=attached interface=eth0 mode=native errors=1,2\n',
      'time=T level=error msg="it did not work" err="it broke" err_code=KERNEL\n',
    ]);
  });

  const quoted: [unknown, string][] = [
    ['plain', 'v=plain'],
    ['', 'v=""'],
    ['a b', 'v="a b"'],
    ['a=b', 'v="a=b"'],
    ['say "x"', 'v="say \\"x\\""'],
    ['two\nlines', 'v="two\\nlines"'],
    ['back\\slash', 'v="back\\\\slash"'],
    ['\u001b[31mred', 'v="\\u001b[31mred"'],
    ['\u0085\u200e', 'v="\\u0085\\u200e"'],
    ['größe', 'v=größe'],
    [0, 'v=0'],
    [null, 'v=null'],
    [true, 'v=true'],
    [{ a: 1, b: { c: 'x y' } }, 'v_a=1 v_b_c="x y"'],
  ];
  for (const [value, wanted] of quoted) {
    test(`${JSON.stringify(value)} is ${wanted}`, () => {
      assert.equal(renderLogfmt(JSON.stringify({ v: value })), `${wanted}\n`);
    });
  }

  test('a key that would break the line is mended', () => {
    assert.equal(renderLogfmt('{"a b=\\"":1}'), 'a_b__=1\n');
  });
});

test('the notice of dropped lines is a line of the log like any other', () => {
  const msg = 'log lines were dropped here: nobody read them, or they could not be written';
  assert.equal(withoutTime(renderDropNotice('logfmt', 12)), `time=T level=warn msg="${msg}" lines=12\n`);
  assert.equal(
    withoutTime(renderDropNotice('json', 12)),
    `{"level":"warn","time":"T","lines":12,"msg":"${msg}"}\n`,
  );
});

test('what is below the level is not written', () => {
  const { log, lines } = collect({ level: 'warn', format: 'logfmt' });
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  assert.deepEqual(
    lines.map((line) => /msg=(\w)/.exec(line)?.[1]),
    ['c', 'd'],
  );
});

describe('on stderr', () => {
  const script = (after: string): string => `
    import { createLogger } from './dist/src/log.js';
    import { openStderr } from './dist/src/compose/open-stderr.js';
    const log = createLogger({ level: 'info', format: 'logfmt' }, { destination: openStderr(process).lines });
    log.info('last words');
    ${after}`;
  const node = (code: string, shell: string) =>
    spawnSync('sh', ['-c', shell, 'sh', process.execPath, code], { cwd: ROOT, encoding: 'utf8' });

  test('a line is out before the process dies, and stdout stays clean', () => {
    const { stdout, stderr, signal } = node(
      script(`process.kill(process.pid, 'SIGKILL');`),
      'exec "$1" --input-type=module -e "$2"',
    );
    assert.equal(signal, 'SIGKILL');
    assert.match(stderr, /level=info msg="last words"\n$/);
    assert.equal(stdout, '');
  });

  test('a full disk or a reader that went away does not end the process', () => {
    const code = script(`setTimeout(() => { log.error('again'); console.log('alive'); }, 1);`);
    for (const shell of [
      'exec "$1" --input-type=module -e "$2" 2>/dev/full',
      '{ "$1" --input-type=module -e "$2" 2>&1 >&3 | true; } 3>&1',
    ]) {
      assert.equal(node(code, shell).stdout, 'alive\n', shell);
    }
  });
});
