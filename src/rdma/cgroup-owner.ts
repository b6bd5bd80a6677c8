// SPDX-License-Identifier: Apache-2.0
// Whose a process is, by the names of its control groups: text -> Kubernetes' pod and container, Slurm's job and step.
// Pure. Names as kubelet (pkg/kubelet/cm: cgroup_manager_linux.go, pod_container_manager_linux.go), containerd, CRI-O
// and docker give them with either driver, and Slurm (src/plugins/cgroup) on v1 and v2.

/** '' where there is none. */
export interface CgroupOwner {
  /** The pod's uid, with dashes where it has them: a static pod's is a hash without. */
  readonly podUid: string;
  /** 64 hexadecimal digits. */
  readonly containerId: string;
  /** A job's number, or its SLUID where Slurm names folders by that (26.05). */
  readonly slurmJob: string;
  /** `0`, `batch`, `extern`, `interactive`. */
  readonly slurmStep: string;
}

const NOBODY: CgroupOwner = { podUid: '', containerId: '', slurmJob: '', slurmStep: '' };

/** What is longer is no cgroup of a process: PATH_MAX, for each of v1's dozen hierarchies. */
const MOST_CHARACTERS = 65_536;

/**
 * Of kubelet: `pod<uid>` (cgroupfs driver), `...-pod<uid>.slice` (systemd driver, dashes of the uid as underscores), and
 * `...-pod<uid>.slice:cri-containerd:<id>` where containerd takes the one for the other.
 */
const POD =
  /^(?:.*-)?pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?(?::.*)?$/;
/** Any folder of kubelet's, so that `pod...` alone of somebody else is no pod. */
const KUBEPODS = /(?:^|-)kubepods(?:[-.:]|$)/;
/** `<id>`, `cri-containerd-<id>.scope`, `crio-<id>.scope`, `docker-<id>.scope`, `libpod-<id>`, `...:cri-containerd:<id>`. */
const CONTAINER = /^(?:[a-z][a-z-]*-|.*:)?([0-9a-f]{64})(?:\.scope)?$/;
/** CRI-O's watchers have the container's id in their names, and are not in it. */
const WATCHER = /conmon/;
/** `slurm`, `slurm_<node>` (v1); `slurmstepd.scope`, `<node>_slurmstepd.scope` (v2). */
const SLURM_ROOT = /^(?:slurm(?:_.+)?|(?:.+_)?slurmstepd\.scope)$/;
/** A number, or Slurm's lexicographic id: s, and 13 digits to the base of 32. */
const SLURM_JOB = /^(?:job_)?(?:(?<=^job_)(\d{1,10})|(s[0-9A-Za-z]{13}))$/;
const SLURM_STEP = /^step_([0-9a-z+]{1,32})$/;

/** @param text of /proc/PID/cgroup: a line `hierarchy:controllers:path` for each hierarchy (cgroups(7)). */
export function parseCgroupOwner(text: string): CgroupOwner {
  let owner = NOBODY;
  for (const line of text.slice(0, MOST_CHARACTERS).split('\n')) {
    const match = /^\d+:[^:]*:(\/.*)$/.exec(line);
    if (match === null) continue;
    const found = ownerOfPath(match[1] ?? '');
    // Hierarchies may differ: a process is in a job where one of them says so.
    owner = {
      podUid: owner.podUid || found.podUid,
      containerId: owner.containerId || found.containerId,
      slurmJob: owner.slurmJob || found.slurmJob,
      slurmStep: owner.slurmStep || found.slurmStep,
    };
  }
  return owner;
}

/** Folders before ours may be another container's: kubelet itself may run in one (kind). The last ones count. */
function ownerOfPath(path: string): CgroupOwner {
  let { podUid, containerId, slurmJob, slurmStep } = NOBODY;
  let isKubelets = false;
  let isSlurms = false;
  for (const folder of path.split('/')) {
    if (KUBEPODS.test(folder)) isKubelets = true;
    const pod = isKubelets ? POD.exec(folder)?.[1] : undefined;
    if (pod !== undefined) {
      podUid = pod.replaceAll('_', '-');
      containerId = '';
    }
    const container = WATCHER.test(folder) ? undefined : CONTAINER.exec(folder)?.[1];
    if (container !== undefined) containerId = container;
    if (SLURM_ROOT.test(folder)) isSlurms = true;
    else if (isSlurms && slurmJob === '') {
      const job = SLURM_JOB.exec(folder);
      slurmJob = job?.[1] ?? job?.[2] ?? '';
    } else if (isSlurms && slurmStep === '') slurmStep = SLURM_STEP.exec(folder)?.[1] ?? '';
  }
  return { podUid, containerId, slurmJob, slurmStep };
}
