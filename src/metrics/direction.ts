// SPDX-License-Identifier: Apache-2.0
// The value of the label direction.

/** XDP sees what comes in; there is no other direction yet. */
export const DIRECTION = 'ingress';
