// SPDX-License-Identifier: Apache-2.0
// So many clients that do what the page does: listen to events, and at each ask for what the first page shows,
// one round at a time. A process of its own, so that its work is not taken for the exporter's.
// Usage: node dist/bench/looking-clients.js URL COUNT; prints a line of counts as JSON at SIGTERM.

import { Agent, get, type IncomingMessage } from 'node:http';
import process from 'node:process';

const [, , url = '', count = '0'] = process.argv;
/** As web/view asks, with no RoCE there. */
const QUESTIONS = ['overview', 'flows?top=20&by=bytes', 'pairs?top=300', 'flows?top=100'];

const counts = { events: 0, answers: 0, failures: 0, bytes: 0 };

function ask(path: string, agent: Agent): Promise<void> {
  return new Promise((resolve) => {
    const request = get(
      new URL(`/api/v1/${path}`, url),
      { agent, headers: { 'Accept-Encoding': 'gzip' } },
      (response) => {
        response.on('data', (bytes: Buffer) => {
          counts.bytes += bytes.length;
        });
        response.on('end', () => {
          if (response.statusCode === 200) counts.answers++;
          else counts.failures++;
          resolve();
        });
        response.on('error', () => resolve());
      },
    );
    request.on('error', () => {
      counts.failures++;
      resolve();
    });
  });
}

function startClient(): void {
  // As many connections as a browser has for one host, less the one of the events.
  const agent = new Agent({ keepAlive: true, maxSockets: 5 });
  let isAsking = false;
  let isAskedAgain = false;
  const round = async (): Promise<void> => {
    isAskedAgain = isAsking;
    if (isAsking) return;
    isAsking = true;
    await Promise.all(QUESTIONS.map((question) => ask(question, agent)));
    isAsking = false;
    if (isAskedAgain) void round();
  };
  void ask('history', agent);
  const listen = (): void => {
    const request = get(new URL('/api/v1/events', url), { agent: false }, (response: IncomingMessage) => {
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (!text.includes('event: refresh')) return;
        counts.events++;
        void round();
      });
      response.on('close', () => setTimeout(listen, 2000));
    });
    request.on('error', () => {
      counts.failures++;
    });
  };
  listen();
}

for (let i = 0; i < Number(count); i++) startClient();
process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
});
