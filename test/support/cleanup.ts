// SPDX-License-Identifier: Apache-2.0
// Runs something also when the test process ends early: by exit, SIGINT or SIGTERM. For tests only.

import process from 'node:process';

/**
 * Arranges for a synchronous action to run at the end of the process, however it ends (but SIGKILL).
 * Returns the function that runs it now; it runs once in all.
 */
export function atEnd(action: () => void): () => void {
  let done = false;
  const run = (): void => {
    if (done) return;
    done = true;
    process.off('exit', run);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    action();
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    run();
    // The last listener gone, the signal does what it would have done without us.
    if (process.listenerCount(signal) === 0) {
      process.kill(process.pid, signal);
    }
  };
  // A dozen children and folders at a time are no leak.
  process.setMaxListeners(Math.max(process.getMaxListeners(), process.listenerCount('exit') + 2));
  process.on('exit', run);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return run;
}
