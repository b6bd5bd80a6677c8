// SPDX-License-Identifier: Apache-2.0
// What the exporter asks of sysfs and RDMA netlink, one question at a time, and the answers. Whatever may
// block in a driver is behind a question, so that a process of its own can give the answer. Questions
// and answers cross between processes as JSON: plain data only.

import { readNetdevRelatives } from '../system/netdev-relatives.js';
import type { SysfsFiles } from '../system/sysfs-files.js';
import { type RdmaCounters, readRdmaCounters } from './counters.js';
import {
  type RdmaLinkState,
  type RdmaPortIdentity,
  type RdmaPortName,
  type RdmaPortOptions,
  readRdmaLinkState,
  readRdmaPortIdentity,
} from './ports.js';
import { createProcessOwners } from './process-owners.js';
import { type QueuePairReading, type QueuePairTableParts, readQueuePairTable } from './queue-pair-table.js';

export type RdmaQuestion =
  | { readonly about: 'identity' | 'numbers'; readonly name: RdmaPortName }
  | { readonly about: 'relatives'; readonly interfaceName: string }
  | { readonly about: 'queue pairs'; readonly device: string };

/** A port's numbers at one time. */
export interface RdmaReading {
  /** Not of port 0, which is the device. */
  readonly link: RdmaLinkState | undefined;
  readonly counters: RdmaCounters;
}

/** The field of the question is there, the others are not. */
export interface RdmaAnswer {
  readonly identity?: RdmaPortIdentity;
  readonly numbers?: RdmaReading;
  readonly relatives?: readonly string[];
  readonly queuePairs?: QueuePairReading;
}

export interface RdmaAnswerParts {
  readonly files?: SysfsFiles;
  readonly nldev?: QueuePairTableParts['nldev'];
  /** Default /proc. */
  readonly procPath?: string;
}

/** Never throws; blocks for as long as a driver does. */
export function answerRdmaQuestion(
  options: RdmaPortOptions,
  question: RdmaQuestion,
  parts: RdmaAnswerParts = {},
): RdmaAnswer {
  switch (question.about) {
    case 'identity':
      return { identity: readRdmaPortIdentity(options, question.name, parts) };
    case 'numbers': {
      const { name } = question;
      const link = name.port === 0 ? undefined : readRdmaLinkState(options, name, parts);
      return { numbers: { link, counters: readRdmaCounters(options, name, parts) } };
    }
    case 'relatives':
      return { relatives: readNetdevRelatives(options, question.interfaceName, parts) };
    case 'queue pairs': {
      const nldev = parts.nldev ?? { problem: 'there is no RDMA netlink' };
      const processes = createProcessOwners({ procPath: parts.procPath ?? '/proc' }, parts);
      const nowMs = () => performance.now();
      return { queuePairs: readQueuePairTable(question.device, { nldev, processes, nowMs }) };
    }
    default:
      return question satisfies never;
  }
}
