// SPDX-License-Identifier: Apache-2.0
// All drivers whose strings we know. test/nic/driver-strings.test.ts holds each table against the strings of its driver.

import type { DriverTable } from './counter-row.js';
import { BNXT } from './drivers/bnxt.js';
import { IGB, VIRTIO_NET } from './drivers/generic.js';
import { HNS3 } from './drivers/hns3.js';
import { I40E, ICE } from './drivers/ice.js';
import { IONIC } from './drivers/ionic.js';
import { MANA } from './drivers/mana.js';
import { MLX4 } from './drivers/mlx4.js';
import { MLX5 } from './drivers/mlx5.js';

export const DRIVER_TABLES: readonly DriverTable[] = [
  MLX5,
  MLX4,
  BNXT,
  ICE,
  I40E,
  IONIC,
  HNS3,
  MANA,
  IGB,
  VIRTIO_NET,
];
