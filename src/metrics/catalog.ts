// SPDX-License-Identifier: Apache-2.0
// Every metric this program exposes, in the order of its documentation. A name that is not here does not exist.

import { BOOK_METRICS } from './book-families.js';
import type { MetricDefinition } from './definition.js';
import { FLOW_METRICS } from './flow-families.js';
import { NETWORK_METRICS } from './network-families.js';
import { NIC_METRICS } from './nic-families.js';
import { OWNER_METRICS } from './owner-families.js';
import { PUSH_METRICS } from './push-families.js';
import { RDMA_METRICS } from './rdma-families.js';
import { ROCE_METRICS } from './roce-families.js';
import { SELF_METRICS } from './self-definitions.js';
import { STATE_METRICS } from './state-families.js';

export const CATALOG: readonly MetricDefinition[] = [
  ...Object.values(FLOW_METRICS),
  ...BOOK_METRICS.map(({ definition }) => definition),
  ...Object.values(SELF_METRICS),
  ...ROCE_METRICS,
  ...RDMA_METRICS.map(({ definition }) => definition),
  ...NIC_METRICS.map(({ definition }) => definition),
  ...OWNER_METRICS.map(({ definition }) => definition),
  ...NETWORK_METRICS.map(({ definition }) => definition),
  ...PUSH_METRICS.map(({ definition }) => definition),
  ...STATE_METRICS.map(({ definition }) => definition),
];
