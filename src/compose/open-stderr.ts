// SPDX-License-Identifier: Apache-2.0
// stderr, wired: the log and last words go out by one way, in their order, and hold up nothing.

import type { LogOptions } from '../log.js';
import { renderDropNotice } from '../log.js';
import { LineOutput } from '../output/line-output.js';
import { openOutput } from '../output/open-output.js';

const STDERR_FD = 2;
/** About 500 lines, as much as a pipe holds by itself. */
const MAX_WAITING_BYTES = 64 * 1024;

export interface Stderr {
  /** Of the lines to come. */
  format: LogOptions['format'];
  readonly lines: LineOutput;
}

export function openStderr(process: NodeJS.Process): Stderr {
  // Of the reader's end we hear from each write.
  const fd = openOutput(STDERR_FD, () => process.stderr.on('error', () => undefined));
  const stderr: Stderr = {
    format: 'logfmt',
    lines: new LineOutput(
      { maxWaitingBytes: MAX_WAITING_BYTES },
      { fd, renderGap: (droppedLines) => renderDropNotice(stderr.format, droppedLines) },
    ),
  };
  return stderr;
}
