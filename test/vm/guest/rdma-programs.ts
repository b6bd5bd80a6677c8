// SPDX-License-Identifier: Apache-2.0
// Pairs of RDMA programs, a server at the far end and a client at the near end: perftest's ib_*_bw
// and rping. What they say to each other beside RDMA goes over the loopback. For tests only.

import { readFileSync } from 'node:fs';
import { waitFor } from '../../support/conditions.js';
import { type Child, start } from '../../support/processes.js';
import { exec, gidIndex, type IpVersion, type Side, type SoftRoce } from './soft-roce.js';

/** perftest's own default. */
const PORT = 18_515;
/** Until it is killed: what a test waits for takes as long as the machine is slow. */
export const ENDLESS = '--run_infinitely';
/** Generous: a run takes 3 s. */
const LIMIT_MS = 60_000;
const LISTENING = '0A'; // TCP_LISTEN of include/net/tcp_states.h

export interface PerftestRun {
  /** Of the package perftest: ib_write_bw and its like. */
  readonly program: string;
  readonly args: readonly string[];
  /** Which addresses RoCE uses. Default ipv4. */
  readonly ipVersion?: IpVersion;
  /** Connect by rdma_cm, which is RDMA itself. Default false. */
  readonly byConnectionManager?: boolean;
  /**
   * How long the sender waits for an acknowledgement: 4.096 us x 2^n (IBTA vol. 1, 9.7.6.1.3). Default
   * 19, 2.1 s, which an emulated processor keeps to.
   */
  readonly ackTimeout?: number;
}

export interface RunningPair {
  readonly server: Child;
  readonly client: Child;
  /** Waits for both to end well; returns what the client said. */
  finish(): Promise<string>;
  /** Ends both, whatever they do: the client first, so that nothing is on its way to a server that is gone. */
  kill(): Promise<void>;
}

/** Starts the server, waits until it listens, starts the client. */
export async function startPerftest(roce: SoftRoce, run: PerftestRun): Promise<RunningPair> {
  const { program, args, ipVersion = 'ipv4', byConnectionManager = false, ackTimeout = 19 } = run;
  const common = (end: Side): string[] => [
    ...['-d', roce[end].rdmaDevice, '-x', String(gidIndex(roce[end], roce[end][ipVersion]))],
    ...['-F', '-p', String(PORT), '-u', String(ackTimeout)], // -F: do not mind the processor's clock
    ...(byConnectionManager ? ['-R'] : []),
    ...args,
  ];
  const server = start(program, common('far'));
  const listens = byConnectionManager ? listensToConnectionManager : listensToTcp;
  const peer = byConnectionManager ? roce.far[ipVersion] : '127.0.0.1';
  return startClient(server, listens, program, [...common('near'), peer]);
}

/** Pings of 64 bytes: each a SEND, a READ, a SEND, a WRITE, a SEND and their answers (rping.c). */
export async function startRping(roce: SoftRoce, ipVersion: IpVersion, count: number): Promise<RunningPair> {
  const common = ['-a', roce.far[ipVersion], '-C', String(count), '-v'];
  const server = start('rping', ['-s', ...common]);
  return startClient(server, listensToConnectionManager, 'rping', ['-c', ...common]);
}

async function startClient(
  server: Child,
  listens: (server: Child) => boolean,
  program: string,
  args: readonly string[],
): Promise<RunningPair> {
  try {
    await server.waitFor(`${program} to listen`, () => listens(server));
  } catch (error) {
    await server.stop('SIGKILL');
    throw error;
  }
  const client = start(program, args);
  const kill = async (): Promise<void> => {
    await client.stop('SIGKILL');
    await server.stop('SIGKILL');
  };
  const finish = async (): Promise<string> => {
    const hasFailed = (child: Child): boolean => child.exit !== undefined && child.exit.code !== 0;
    try {
      await waitFor(
        `${program} to end`,
        () =>
          (client.exit !== undefined && server.exit !== undefined) || hasFailed(client) || hasFailed(server),
        { limitMs: LIMIT_MS },
      );
      if (hasFailed(client) || hasFailed(server)) throw new Error(`${program} failed`);
    } catch (error) {
      const said = [client, server].map(
        (child) => `${JSON.stringify(child.exit)}\n${child.stdout}${child.stderr}`,
      );
      throw new Error(
        `${program} ${args.join(' ')}: ${String(error)}\n--- client ${said[0]}\n--- server ${said[1]}`,
        { cause: error },
      );
    } finally {
      await kill();
    }
    return client.stdout;
  };
  return { server, client, finish, kill };
}

/** perftest's listener is the one socket on its port. */
function listensToTcp(): boolean {
  const port = `:${PORT.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .some((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        return local.endsWith(port) && state === LISTENING;
      }),
  );
}

function listensToConnectionManager(server: Child): boolean {
  const ids = JSON.parse(exec('rdma', '-j', 'resource', 'show', 'cm_id')) as readonly {
    readonly state?: string;
    readonly pid?: number;
  }[];
  return ids.some(({ state, pid }) => state === 'LISTEN' && pid === server.pid);
}
