// SPDX-License-Identifier: Apache-2.0
// One frame for every kind of header, each with the key it must be counted under, written out by
// hand: they bear witness against the reference parser as well as against the BPF program.

import { ROCE_VECTORS } from '../roce/roce-vectors.js';
import { IPV4_VECTORS, IPV6_VECTORS, TRANSPORT_VECTORS } from './ip-vectors.js';
import { ETHERNET_VECTORS, OTHER_LINK_VECTORS } from './link-vectors.js';
import type { FrameVector } from './vector-parts.js';

/** Every vector. */
export const FRAME_VECTORS: readonly FrameVector[] = [
  ...TRANSPORT_VECTORS,
  ...IPV4_VECTORS,
  ...IPV6_VECTORS,
  ...ETHERNET_VECTORS,
  ...ROCE_VECTORS,
  ...OTHER_LINK_VECTORS,
];
