// SPDX-License-Identifier: Apache-2.0
// Paths as they are found on hosts. Kubernetes: pkg/kubelet/cm/cgroup_manager_linux.go (names of both drivers),
// containerd's and CRI-O's runtime options, kind. Slurm: src/plugins/cgroup/v1 and v2, and its documents.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CgroupOwner, parseCgroupOwner } from '../../src/rdma/cgroup-owner.js';

const UID = '6c1a2c4e-0d5b-4d0c-9a55-0f3a3f9d7e11';
const UID_ = UID.replaceAll('-', '_');
const STATIC_UID = '5a8e2f0c9b7d4e6f8a1b3c5d7e9f0a2b';
const ID = '1f'.repeat(32);
const OUTER = 'e0'.repeat(32);

const NOBODY: CgroupOwner = { podUid: '', containerId: '', slurmJob: '', slurmStep: '' };
const IN_POD = { podUid: UID, containerId: ID };

/** What it is, the text of /proc/PID/cgroup, and what is found in it. */
const CASES: readonly (readonly [what: string, text: string, owner: Partial<CgroupOwner>])[] = [
  [
    'v2, systemd driver, containerd',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    IN_POD,
  ],
  [
    'v2, systemd driver, CRI-O',
    `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/crio-${ID}.scope`,
    IN_POD,
  ],
  [
    'v2, CRI-O with a group of the container below',
    `0::/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope/container`,
    IN_POD,
  ],
  [
    'v2, systemd driver, cri-dockerd, guaranteed',
    `0::/kubepods.slice/kubepods-pod${UID_}.slice/docker-${ID}.scope`,
    IN_POD,
  ],
  ['v2, cgroupfs driver', `0::/kubepods/burstable/pod${UID}/${ID}`, IN_POD],
  ['v2, guaranteed, cgroupfs driver', `0::/kubepods/pod${UID}/${ID}`, IN_POD],
  [
    'v2, systemd in the container',
    `0::/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope/system.slice/sshd.service`,
    IN_POD,
  ],
  [
    'v2, seen from another cgroup namespace',
    `0::/../../kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    IN_POD,
  ],
  [
    'a static pod: a hash for a uid',
    `0::/kubepods/burstable/pod${STATIC_UID}/${ID}`,
    { podUid: STATIC_UID, containerId: ID },
  ],
  [
    'v1, cgroupfs driver',
    `12:pids:/kubepods/besteffort/pod${UID}/${ID}\n11:memory:/kubepods/besteffort/pod${UID}/${ID}\n1:name=systemd:/kubepods/besteffort/pod${UID}/${ID}\n0::/`,
    IN_POD,
  ],
  [
    'v1, containerd that takes one driver for the other',
    `4:cpu,cpuacct:/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    IN_POD,
  ],
  [
    'kind, systemd driver: kubelet in a container',
    `0::/docker/${OUTER}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    IN_POD,
  ],
  ['kind, cgroupfs driver', `0::/docker/${OUTER}/kubelet/kubepods/besteffort/pod${UID}/${ID}`, IN_POD],
  [
    "CRI-O's watcher is no container",
    `0::/kubepods.slice/kubepods-pod${UID_}.slice/crio-conmon-${ID}.scope`,
    { podUid: UID },
  ],
  ['docker', `0::/system.slice/docker-${ID}.scope`, { containerId: ID }],
  ['docker, cgroupfs', `5:devices:/docker/${ID}`, { containerId: ID }],
  ['podman', `0::/machine.slice/libpod-${ID}.scope/container`, { containerId: ID }],
  [
    'Slurm on v2',
    '0::/system.slice/slurmstepd.scope/job_1392969/step_0/user/task_0',
    { slurmJob: '1392969', slurmStep: '0' },
  ],
  [
    'Slurm on v2, several slurmd on a host',
    '0::/system.slice/node7_slurmstepd.scope/job_42/step_batch/user/task_special',
    { slurmJob: '42', slurmStep: 'batch' },
  ],
  [
    'Slurm on v2, pam_slurm_adopt',
    '0::/system.slice/slurmstepd.scope/job_42/step_extern/user',
    { slurmJob: '42', slurmStep: 'extern' },
  ],
  [
    'Slurm on v1',
    '10:devices:/slurm/uid_2101171/job_280678/step_interactive/task_0\n0::/system.slice/slurmd.service',
    { slurmJob: '280678', slurmStep: 'interactive' },
  ],
  [
    'Slurm on v1, several slurmd on a host',
    '4:memory:/slurm_node7/uid_1000/job_7/step_3/task_1',
    { slurmJob: '7', slurmStep: '3' },
  ],
  [
    'Slurm that names by SLUID',
    '0::/system.slice/slurmstepd.scope/s1A2B3C4D5E6F7/step_0/user/task_0',
    { slurmJob: 's1A2B3C4D5E6F7', slurmStep: '0' },
  ],
  [
    'the same with job_',
    '0::/system.slice/slurmstepd.scope/job_s1A2B3C4D5E6F7/step_batch',
    { slurmJob: 's1A2B3C4D5E6F7', slurmStep: 'batch' },
  ],
  [
    'a container in a job',
    `0::/system.slice/slurmstepd.scope/job_9/step_0/user/task_0/docker-${ID}.scope`,
    { slurmJob: '9', slurmStep: '0', containerId: ID },
  ],
  ["slurmstepd's own", '0::/system.slice/slurmstepd.scope/system', {}],
  ['a service', '0::/system.slice/nfs-server.service', {}],
  ['a session', '0::/user.slice/user-1000.slice/session-3.scope', {}],
  ['the root', '0::/', {}],
  ["somebody's own folders of such names", `0::/user.slice/pod${UID}/job_17/step_0`, {}],
  ['too short for a container', `0::/docker/${ID.slice(1)}`, {}],
  ['nothing', '', {}],
];

for (const [what, text, owner] of CASES) {
  test(what, () => assert.deepEqual(parseCgroupOwner(`${text}\n`), { ...NOBODY, ...owner }));
}
