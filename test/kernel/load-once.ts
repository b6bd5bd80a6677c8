// SPDX-License-Identifier: Apache-2.0
// A child process of load.test.ts: loads the object named by its arguments, or the portable one, says how it went, ends.

import process from 'node:process';
import { ExporterError } from '../../src/errors.js';
import { loadKernelObject } from '../../src/kernel/load.js';

try {
  const [, , objectPath = '', portableObjectPath = objectPath] = process.argv;
  loadKernelObject({ objectPath, portableObjectPath, flowCapacity: 64 }).close();
  process.stdout.write('loaded\n');
} catch (error) {
  if (!(error instanceof ExporterError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
  process.exitCode = error.exitCode;
}
