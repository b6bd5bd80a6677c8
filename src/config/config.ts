// SPDX-License-Identifier: Apache-2.0
// What the program runs with: the one frozen value made of command line, environment, file and
// defaults. Types only. What a setting means stands at its declaration in settings.ts, where its key
// is written in snake_case.

import type { SETTINGS } from './settings.js';
import type { ConfigOf } from './settings-tree.js';

/** Deeply frozen. */
export interface Config extends ConfigOf<typeof SETTINGS> {
  /** False when nobody named an interface: `interfaces` is then only the default. */
  readonly interfacesGiven: boolean;
}

export type TrafficFilter = Config['filter'];
export type AttachMode = Config['attachMode'];
export type PrintMode = Config['print'];

export type FlowsConfig = Config['flows'];
export type KernelConfig = Config['kernel'];
export type RoceConfig = Config['roce'];
export type RdmaConfig = Config['rdma'];
export type WebConfig = Config['web'];

export type LogConfig = Config['log'];
export type LogLevel = LogConfig['level'];
export type LogFormat = LogConfig['format'];

export type PushConfig = Config['push'];
export type PushFormat = PushConfig['format'];
export type PushCompression = PushConfig['compression'];
export type PushTlsConfig = PushConfig['tls'];
export type PushRetryConfig = PushConfig['retry'];

/** How the running exporter may be told to reload; from the command line alone. */
export interface ReloadConfig {
  /** Over HTTP. */
  readonly lifecycle: boolean;
  /** How often the file is looked at; undefined: never. */
  readonly autoReloadMs: number | undefined;
}

/** What `xtrace-catch doctor` was asked for; from the command line alone. */
export interface DoctorConfig {
  readonly json: boolean;
  /** Attach to the configured interfaces for a moment. */
  readonly probe: boolean;
  /** Between two readings of the hardware's counters. */
  readonly waitMs: number;
}

/** What `xtrace-catch top` was asked for; likewise. */
export interface TopConfig {
  /** As it was given; undefined: where the configuration lets an exporter listen. */
  readonly url: string | undefined;
  readonly once: boolean;
  readonly json: boolean;
  readonly attach: boolean;
  /** Empty: none, likewise the files. */
  readonly user: string;
  readonly passwordFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly insecure: boolean;
  /** The one that the command line names. */
  readonly interfaceName: string | undefined;
  /** The command line names an interval. */
  readonly hasInterval: boolean;
}

/** What `xtrace-catch estimate` was asked for; likewise. */
export interface EstimateConfig {
  readonly json: boolean;
  /** How long to watch. */
  readonly watchMs: number;
}
