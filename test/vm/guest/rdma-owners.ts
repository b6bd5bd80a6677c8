// SPDX-License-Identifier: Apache-2.0
// Whose queue pairs are: real programs in control groups named as kubelet and Slurm name theirs, what the kernel lists
// of them, and what XDP counts of their packets, to the unit.

import assert from 'node:assert/strict';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import type { Exposition } from '../../support/oracle/exposition-parser.js';
import { mountControlGroups } from './control-groups.js';
import type { RoceBench } from './rdma-bench.js';
import { ENDLESS, type RunningPair, startPerftest } from './rdma-programs.js';
import { exec, type RoceEnd, renewRdmaDevice, SIDES, type SoftRoce } from './soft-roce.js';

const POD = '0b5d3a1c-7e42-4f6b-9d18-2c3e4f5a6b7c';
const CONTAINER = '3f'.repeat(32);
const POD_GROUP = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD.replaceAll('-', '_')}.slice/cri-containerd-${CONTAINER}.scope`;
const JOB = '4711';
const JOB_GROUP = `system.slice/slurmstepd.scope/job_${JOB}/step_0/user/task_0`;
const LATER_JOB = 's1A2B3C4D5E6F7';
const LATER_GROUP = `system.slice/node7_slurmstepd.scope/${LATER_JOB}/step_batch`;

const OWNED_BYTES = 'xtrace_roce_owner_bytes_total';
const QUEUE_PAIRS = 'xtrace_rdma_queue_pairs';

const OF_POD = { owner: 'pod', pod_uid: POD, slurm_job: '', comm: 'ib_write_bw' };
const OF_JOB = { owner: 'slurm', pod_uid: '', slurm_job: JOB, comm: 'ib_write_bw' };
const OF_LATER_JOB = { owner: 'slurm', pod_uid: '', slurm_job: LATER_JOB, comm: 'ib_write_bw' };

/** Once is enough: the mode has no part in it. Makes a device anew, so that its numbers begin again. */
export function testOwners(bench: () => Promise<RoceBench>): void {
  kernelTest('queue pairs and RoCE bytes of a pod and of a Slurm job', async (t) => {
    const { roce, exporter } = await bench();
    const groups = mountControlGroups();
    const pairs: RunningPair[] = [];
    const before = await exporter.scrapeUntil('a reading of both devices', (now) =>
      SIDES.every((side) => countOf(now, roce[side], { owner: 'kernel' }) >= 1),
    );
    try {
      // Told apart in the pairs' metrics by their DSCP.
      pairs.push(await startIn(roce, groups.create(POD_GROUP), { port: 18_520, queuePairs: 1, dscp: 26 }));
      pairs.push(await startIn(roce, groups.create(JOB_GROUP), { port: 18_521, queuePairs: 2, dscp: 46 }));
      const busy = await exporter.scrapeUntil('both owners, with bytes at both ends', (now) =>
        SIDES.every(
          (side) =>
            [OF_POD, OF_JOB].every(
              (owner) => now.sum(OWNED_BYTES, { interface: roce[side].device, ...owner }) > 0,
            ) &&
            countOf(now, roce[side], OF_POD) === 1 &&
            countOf(now, roce[side], OF_JOB) === 2,
        ),
      );
      assertSums(busy, roce);
      for (const side of SIDES) {
        assert.equal(countOf(busy, roce[side], { ...OF_JOB, type: 'rc', state: 'rts', port: '1' }), 2, side);
        const device = { rdma_device: roce[side].rdmaDevice };
        assert.ok(
          countOf(busy, roce[side], { owner: 'kernel', type: 'gsi' }) >= 1,
          `${side}: ${QUEUE_PAIRS}`,
        );
        assert.equal(busy.value('xtrace_rdma_queue_pair_read_success', device), 1);
        assert.equal(busy.sum('xtrace_rdma_unattributed_queue_pairs', device), 0, side);
        t.diagnostic(
          `${side}: netlink took ${busy.value('xtrace_rdma_queue_pair_read_duration_seconds', { ...device, source: 'netlink' })} s`,
        );
      }
    } finally {
      for (const pair of pairs) await pair.kill();
      await groups.dispose();
    }
    await exporter.scrapeUntil('their end', (now) =>
      SIDES.every((side) => [OF_POD, OF_JOB].every((owner) => countOf(now, roce[side], owner) === 0)),
    );
    const settled = await untilSettled(exporter, roce);
    for (const side of SIDES) {
      const where = { interface: roce[side].device };
      // Other tests use these codepoints, too, by programs of no group.
      const byDscp = (dscp: number): number =>
        settled.sum('xtrace_roce_bytes_total', { ...where, dscp: String(dscp) }) -
        before.sum('xtrace_roce_bytes_total', { ...where, dscp: String(dscp) });
      const [pod, job] = [OF_POD, OF_JOB].map((owner) => settled.value(OWNED_BYTES, { ...where, ...owner }));
      t.diagnostic(`${side}: the pod ${pod} bytes, the job ${job}`);
      assert.deepEqual([pod, job], [byDscp(26), byDscp(46)], `${side}: by owner, and by pair and DSCP`);
    }
  });

  kernelTest('a number that is used again by another process is its own', async (t) => {
    const { roce, exporter } = await bench();
    const groups = mountControlGroups();
    const numbers: number[] = [];
    const run = async (group: string, owner: Readonly<Record<string, string>>): Promise<void> => {
      await renewRdmaDevice(roce.far);
      const before = (await exporter.scrape()).sum(OWNED_BYTES, { interface: roce.far.device, ...owner });
      const pair = await startIn(roce, group, { port: 18_522, queuePairs: 1, dscp: 10 });
      try {
        await exporter.scrapeUntil(
          'its bytes',
          (now) =>
            now.sum(OWNED_BYTES, { interface: roce.far.device, ...owner }) > before &&
            countOf(now, roce.far, owner) === 1,
        );
        numbers.push(...numbersOf(roce.far));
      } finally {
        await pair.kill();
      }
      await exporter.scrapeUntil('its end', (now) => countOf(now, roce.far, owner) === 0);
    };
    try {
      await run(groups.create(POD_GROUP), OF_POD);
      const first = await untilSettled(exporter, roce);
      await run(groups.create(LATER_GROUP), OF_LATER_JOB);
      const second = await untilSettled(exporter, roce);
      t.diagnostic(`numbers: ${numbers.join(', ')}`);
      assert.equal(numbers.length, 2);
      assert.equal(numbers[0], numbers[1], 'the same number');
      const far = { interface: roce.far.device, ...OF_POD };
      assert.equal(
        second.value(OWNED_BYTES, far),
        first.value(OWNED_BYTES, far),
        'the first has none of the second',
      );
    } finally {
      await groups.dispose();
    }
  });
}

function startIn(
  roce: SoftRoce,
  controlGroup: string,
  { port, queuePairs, dscp }: { readonly port: number; readonly queuePairs: number; readonly dscp: number },
): Promise<RunningPair> {
  const args = ['-s', '4096', '-q', String(queuePairs), `--tclass=${dscp << 2}`, ENDLESS];
  return startPerftest(roce, { program: 'ib_write_bw', args, port, controlGroup });
}

function countOf(now: Exposition, end: RoceEnd, labels: Readonly<Record<string, string>>): number {
  return now.sum(QUEUE_PAIRS, { rdma_device: end.rdmaDevice, ...labels });
}

/** At every moment: by owner, with what waits, as by pair. */
function assertSums(now: Exposition, roce: SoftRoce): void {
  for (const side of SIDES) {
    const where = { interface: roce[side].device };
    const byPair =
      now.sum('xtrace_roce_bytes_total', where) +
      now.sum('xtrace_roce_other_bytes_total', { ...where, reason: 'max_pairs' });
    const byOwner = now.sum(OWNED_BYTES, where) + now.sum('xtrace_roce_owner_waiting_bytes', where);
    assert.equal(byOwner, byPair, `${side}: bytes by owner, and by pair`);
  }
}

async function untilSettled(exporter: RoceBench['exporter'], roce: SoftRoce): Promise<Exposition> {
  const settled = await exporter.scrapeUntil(
    'nothing to wait',
    (now) => now.sum('xtrace_roce_owner_waiting_bytes') === 0,
  );
  assertSums(settled, roce);
  for (const side of SIDES) {
    const where = { interface: roce[side].device };
    for (const [owned, paired] of [
      ['ce_packets', { name: 'ecn_packets', labels: { codepoint: 'ce' } }],
      ['naks', { name: 'naks', labels: {} }],
      ['rnr_naks', { name: 'rnr_naks', labels: {} }],
      ['retransmitted_packets', { name: 'retransmitted_packets', labels: {} }],
    ] as const) {
      assert.equal(
        settled.sum(`xtrace_roce_owner_${owned}_total`, where),
        settled.sum(`xtrace_roce_${paired.name}_total`, { ...where, ...paired.labels }),
        `${side}: ${owned}`,
      );
    }
  }
  return settled;
}

/** Of user space, as rdma(8) lists them. */
function numbersOf({ rdmaDevice }: RoceEnd): number[] {
  const all = JSON.parse(exec('rdma', '-j', 'resource', 'show', 'qp')) as readonly {
    readonly ifname?: string;
    readonly lqpn?: number;
    readonly pid?: number;
  }[];
  return all.flatMap(({ ifname, lqpn, pid }) =>
    ifname === rdmaDevice && pid !== undefined && lqpn !== undefined ? [lqpn] : [],
  );
}
