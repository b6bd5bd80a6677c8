// SPDX-License-Identifier: Apache-2.0
// Real RDMA between two soft-RoCE devices, with the built exporter on both ends of the wire: what it
// shows must be what was transferred, and what the devices and netem count.

import { shareRoceBench } from './rdma-bench.js';
import { testLoss } from './rdma-loss.js';
import { testMarks } from './rdma-marks.js';
import { testMirror } from './rdma-mirror.js';
import { testOperations } from './rdma-operations.js';
import { testOrder } from './rdma-order.js';
import { testPorts } from './rdma-ports.js';

const bench = shareRoceBench();

testOperations('native', bench);
testMarks(() => bench('native'));
testLoss(() => bench('native'));
testOrder(() => bench('native'));
testMirror(() => bench('native'));
testPorts('native', bench);
testOperations('generic', bench);
// The exporter is another now, and begins with devices that have counted already.
testPorts('generic', bench);
