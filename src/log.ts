// SPDX-License-Identifier: Apache-2.0
// The log: pino, one line per event, as logfmt or JSON. Lines are handed on at once, not by a worker:
// a line must be out before the process dies, and there are few of them.

import { type LoggerOptions, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

/** Values that stand beside a message; an Error is shown as its message and code. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogMethod {
  (message: string): void;
  (fields: LogFields, message: string): void;
}

export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
}

/** May change: whoever logs asks each time. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'logfmt' | 'json';
}

export interface LogParts {
  /** Where whole lines go, each with its line feed. It must neither wait nor throw. */
  readonly destination: { write(line: string): void };
}

/** Lines have `level` as a word, `time` in ISO 8601, `msg`, and the fields. */
export function createLogger(options: LogOptions, { destination }: LogParts): Logger {
  const settings: LoggerOptions = {
    level: 'debug', // ours is asked before each line, as it may change
    base: null,
    messageKey: 'msg',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // pino's own would show the stack of what stands under `err`; plainFields has dealt with it.
    serializers: { err: (value) => value },
  };
  const write = (line: string): void => destination.write(renderLine(options.format, line));
  return wrapPino(pino(settings, { write }), options);
}

/** The log's line in place of so many that could not be written. It has no level to be below. */
export function renderDropNotice(format: LogOptions['format'], lines: number): string {
  const msg = 'log lines were dropped here: nobody read them, or they could not be written';
  return renderLine(
    format,
    `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines, msg })}\n`,
  );
}

function renderLine(format: LogOptions['format'], jsonLine: string): string {
  return format === 'json' ? jsonLine : renderLogfmt(jsonLine);
}

const LEVELS: readonly LogOptions['level'][] = ['debug', 'info', 'warn', 'error'];

/** Our interface over pino's: Errors among the fields are made plain on the way. */
function wrapPino(target: PinoLogger, options: LogOptions): Logger {
  const withStack = (): boolean => options.level === 'debug';
  const method =
    (level: LogOptions['level']): LogMethod =>
    (first: string | LogFields, message?: string) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(options.level)) return;
      if (typeof first === 'string') target[level](first);
      else target[level](plainFields(first, withStack()), message);
    };
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields) => wrapPino(target.child(plainFields(fields, withStack())), options),
  };
}

/** Fields with every Error among them replaced. */
function plainFields(fields: LogFields, withStack: boolean): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? plainError(value, withStack) : value,
    ]),
  );
}

function plainError(error: Error, withStack: boolean): LogFields {
  const code = 'code' in error ? { code: error.code } : {};
  return { message: error.message, ...code, ...(withStack ? { stack: error.stack } : {}) };
}

/** One JSON line of pino -> one line of logfmt, in the order of Prometheus: time, level, msg, the rest. */
export function renderLogfmt(jsonLine: string): string {
  const { time, level, msg, ...fields } = JSON.parse(jsonLine) as Record<string, unknown>;
  const pairs: string[] = [];
  for (const [key, value] of Object.entries({ time, level, msg, ...fields })) addPairs(pairs, key, value);
  return `${pairs.join(' ')}\n`;
}

/** A nested value becomes several pairs: err={message,code} is err=... err_code=... */
function addPairs(pairs: string[], key: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value) || typeof value !== 'object' || value === null) {
    const text = Array.isArray(value) ? value.map(renderScalar).join(',') : renderScalar(value);
    pairs.push(`${key.replace(/[^A-Za-z0-9_.-]/g, '_')}=${quoteWhereNeeded(text)}`);
    return;
  }
  for (const [inner, innerValue] of Object.entries(value)) {
    addPairs(pairs, inner === 'message' ? key : `${key}_${inner}`, innerValue);
  }
}

function renderScalar(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Quotes what would not read as one word: blanks, quotes, "=", and what a terminal would act on. */
function quoteWhereNeeded(text: string): string {
  if (text !== '' && !/[\s"=\\\p{C}]/u.test(text)) return text;
  return JSON.stringify(text).replace(/\p{C}/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return [...Array(character.length).keys()]
    .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}
