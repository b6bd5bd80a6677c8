// SPDX-License-Identifier: Apache-2.0
// Every fault this program knows. A message says what failed, on which object, with the numbers,
// and what the operator can do: it reaches users as it stands, without a stack.

/** Closed list of codes; the number is the process's exit code where the fault ends the process. */
export const EXIT_CODE = {
  /** A fault at start or in running: nothing attached, port in use, no privilege. */
  failure: 1,
  /** A wrong flag, variable or configuration file. */
  usage: 2,
} as const;

export type ErrorCode =
  | 'ABI_MISMATCH'
  | 'KERNEL'
  | 'NO_PRIVILEGE'
  | 'NOTHING_ATTACHED'
  | 'CONFIG'
  | 'LISTEN'
  | 'PINS'
  | 'PROGRAM_REPLACED'
  | 'SPOOL'
  | 'TOP';

/** Base of all our faults. */
export class ExporterError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = options.exitCode ?? EXIT_CODE.failure;
  }
}

/** The object's layout or version is not the one this program was built for. */
export class AbiError extends ExporterError {
  constructor(what: string, expected: number | string, actual: number | string) {
    super(
      'ABI_MISMATCH',
      `${what}: this program expects ${expected}, the BPF object has ${actual}; build both from one source (make build)`,
    );
  }
}

/** A system call or libbpf call failed. */
export class KernelError extends ExporterError {
  readonly call: string;
  /** Positive errno, 0 where there was none. */
  readonly errno: number;
  /** The verifier's log or other detail, for the debug level. */
  readonly detail: string;

  constructor(
    call: string,
    errno: number,
    message: string,
    options: { detail?: string; code?: ErrorCode; cause?: unknown } = {},
  ) {
    super(options.code ?? 'KERNEL', message, options.cause === undefined ? {} : { cause: options.cause });
    this.call = call;
    this.errno = errno;
    this.detail = options.detail ?? '';
  }
}

/** One wrong value of the configuration. */
export interface ConfigProblem {
  /** Where: a flag (`--interval`), a variable (`NETWORK_INTERFACE`) or a path in the file (`flows.max_series`). */
  readonly path: string;
  /** What was given and what is allowed, one clause. */
  readonly message: string;
}

/** All that is wrong with the configuration, at once. */
export class ConfigError extends ExporterError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('CONFIG', problems.map((problem) => `${problem.path}: ${problem.message}`).join('\n'), {
      exitCode: EXIT_CODE.usage,
    });
    this.problems = problems;
  }
}

/** Why a file could not be read, of what node:fs threw: one clause, without the path. */
export function describeReadFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return `permission denied (${code})`;
    case 'EISDIR':
      return 'it is a directory, give the path of the file in it';
    case 'ELOOP':
      return 'its links lead round in a circle';
    case 'ENOTDIR':
      return 'what should be a directory on the way to it is a file';
    case 'ENAMETOOLONG':
      return 'its name is longer than names of files may be';
    case 'ENXIO':
      return 'it is a socket, or a device that is not there';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
