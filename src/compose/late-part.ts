// SPDX-License-Identifier: Apache-2.0
// Parts of the program that are loaded when a configuration first asks for them. A process that runs for months may
// by then find the files of another version in their place, or none.

import { ExporterError } from '../errors.js';

/**
 * What `load` imports. The build names a file by its content, so one of another version is never taken for ours: it is
 * missing. Rejects with ExporterError PROGRAM_REPLACED.
 *
 * @param purpose of the part, for the sentence: "pushing".
 */
export async function loadLatePart<Part>(purpose: string, load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : String(cause);
    const what = `what ${purpose} needs of this program cannot be loaded`;
    throw new ExporterError(
      'PROGRAM_REPLACED',
      isMissingFile(cause)
        ? `${what}: files of it were replaced or removed; restart it, or install it again where that does not help (${message})`
        : `${what}: ${message}`,
      { cause },
    );
  }
}

function isMissingFile(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'ENOENT';
}
