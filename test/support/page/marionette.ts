// SPDX-License-Identifier: Apache-2.0
// Firefox in the namespace that the test process has joined, asked over Marionette (one command at a time, each an
// array in JSON after its length and a colon; firefox-source-docs: testing/marionette/Protocol). Firefox 153 closes
// the WebDriver BiDi connection that puppeteer would use at its first command. For tests only.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { waitFor } from '../conditions.js';
import { start } from '../processes.js';
import { temporaryFolder } from '../temporary-folder.js';
import { FIREFOX } from './browser-gate.js';

const PORT = 2828;
const COLON = 0x3a;
/** By the standard: the key under which a reference to an element stands. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Resolves with what stands in the answer under `value`. */
type Command = (name: string, parameters?: Readonly<Record<string, unknown>>) => Promise<unknown>;

export interface FirefoxPage {
  /** What an expression tells in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Types into the element. */
  type(selector: string, text: string): Promise<void>;
}

/** Starts Firefox with a window of this size, hands a page over, and ends it whatever happens. */
export async function withFirefox(
  url: string,
  size: { readonly width: number; readonly height: number },
  use: (page: FirefoxPage) => Promise<void>,
): Promise<void> {
  const home = temporaryFolder('xtrace-firefox-');
  const child = start(FIREFOX, ['--headless', '--marionette', '--profile', path.join(home), '--no-remote'], {
    env: { HOME: home },
  });
  try {
    const socket = await child.waitFor('Marionette listens', async () => {
      const tried = connect(PORT, '127.0.0.1');
      await once(tried, 'connect');
      return tried;
    });
    try {
      const command = await openSession(socket);
      await fitWindow(command, size);
      await command('WebDriver:Navigate', { url });
      await use(createPage(command));
    } finally {
      socket.destroy();
    }
  } finally {
    await child.stop();
  }
}

async function openSession(socket: Socket): Promise<Command> {
  const messages = readMessages(socket);
  await messages.next(); // which protocol it speaks
  let id = 0;
  const command: Command = async (name, parameters = {}) => {
    id++;
    const text = JSON.stringify([0, id, name, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const { value } = await messages.next();
    const [, , error, result] = value as [number, number, unknown, { value: unknown }];
    if (error !== null) throw new Error(`${name}: ${JSON.stringify(error)}`);
    return result.value;
  };
  await command('WebDriver:NewSession', { capabilities: { alwaysMatch: {} } });
  return command;
}

async function* readMessages(socket: Socket): AsyncGenerator<unknown, undefined> {
  let unread: Buffer = Buffer.alloc(0);
  for await (const bytes of socket) {
    unread = Buffer.concat([unread, bytes as Buffer]);
    for (;;) {
      const colon = unread.indexOf(COLON);
      const end = colon + 1 + Number(unread.toString('latin1', 0, Math.max(0, colon)));
      if (colon < 0 || unread.length < end) break;
      yield JSON.parse(unread.toString('utf8', colon + 1, end));
      unread = unread.subarray(end);
    }
  }
  throw new Error('Firefox has closed the connection');
}

/** The size is the page's; a window has a frame, too. */
async function fitWindow(command: Command, { width, height }: { width: number; height: number }) {
  const script = 'return [outerWidth - innerWidth, outerHeight - innerHeight]';
  const [across = 0, down = 0] = (await command('WebDriver:ExecuteScript', { script, args: [] })) as number[];
  await command('WebDriver:SetWindowRect', { width: width + across, height: height + down });
}

function createPage(command: Command): FirefoxPage {
  return {
    evaluate: (expression) =>
      command('WebDriver:ExecuteScript', { script: `return ${expression}`, args: [] }),
    async type(selector, text) {
      const found = await command('WebDriver:FindElement', { using: 'css selector', value: selector });
      const { [ELEMENT]: id } = found as Readonly<Record<string, string>>;
      await command('WebDriver:ElementSendKeys', { id, text });
    },
  };
}

/** Waits for a text in the page; rejects with what stands there instead. */
export async function waitForTextIn(
  page: FirefoxPage,
  selector: string,
  holds: (text: string) => boolean,
): Promise<void> {
  let text: unknown;
  await waitFor(`${selector} has the text`, async () => {
    text = await page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent`);
    return typeof text === 'string' && holds(text);
  }).catch((error: unknown) => {
    throw new Error(`${selector} shows ${JSON.stringify(text)}`, { cause: error });
  });
}
