// SPDX-License-Identifier: Apache-2.0
// Facts -> findings, host by host, and the verdict that becomes the exit code.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DoctorFacts, LinkFacts } from '../../src/doctor/facts.js';
import { judgeFacts } from '../../src/doctor/judge.js';
import {
  BOND_HOST,
  CONTAINER_HOST,
  configured,
  GOOD_HOST,
  host,
  INFINIBAND_HOST,
  MLX5_HOST,
  MONITOR_HOST,
  OLD_HOST,
  other,
  RXE_HOST,
  rdma,
  role,
  UNPRIVILEGED_HOST,
  VIRTUAL_FUNCTION_HOST,
  VLAN_HOST,
} from '../support/doctor/hosts.js';

/** `level interface: sentence`, a line each. */
function said(facts: DoctorFacts): string[] {
  return judgeFacts(facts).findings.map(
    ({ level, interfaceName, sentence }) => `${level} ${interfaceName ?? 'host'}: ${sentence}`,
  );
}

/** All findings match, in this order, and the verdict is that there is a problem or none. */
function assertSaid(facts: DoctorFacts, patterns: readonly RegExp[]): void {
  const lines = said(facts);
  assert.equal(lines.length, patterns.length, lines.join('\n'));
  for (const [index, pattern] of patterns.entries()) assert.match(lines[index] ?? '', pattern);
  assert.equal(
    judgeFacts(facts).willWork,
    lines.every((line) => !line.startsWith('problem')),
  );
}

const one = (
  changes: Partial<LinkFacts>,
  ...rest: Parameters<typeof host> extends [unknown, ...infer R] ? R : never
) => host([configured('eth0', changes)], ...rest);

describe('hosts', () => {
  test('a plain one: nothing to say', () => assertSaid(host([configured('eth0')]), []));

  test('mlx5: its RoCE is hidden, the hardware proves it, and what to do', () =>
    assertSaid(MLX5_HOST, [
      /^warning eth2: .*CANNOT be seen.* mlx5_0 .*received 48213 RDMA packets in 1\.0 s\).*xtrace_rdma_\*/,
      // The line will be copied: it must not name the card that does the work.
      /^note eth2: .*mirror its port.*pci\/ADDRESS name enable_roce value false cmode driverinit; devlink dev reload pci\/ADDRESS/,
      /^note eth2: whose the queue pairs behind eth2 are .*mlx5_0.*DEVX/,
    ]));

  test("soft-RoCE is seen; somebody else's program is in the way of another interface", () =>
    assertSaid(RXE_HOST, [
      /^note eth0: rxe0 does RDMA in software/,
      /^problem eth1: eth1 already has an XDP program \("xdp_filter", id 17, native mode\).*stop what owns it/,
    ]));

  test('InfiniBand: IPoIB alone', () =>
    assertSaid(INFINIBAND_HOST, [
      /^warning ib0: native InfiniBand of mlx5_0 NEVER passes ib0 \(its hardware received 1000000 /,
    ]));

  test('a bond of mlx5: hidden without proof', () =>
    assertSaid(BOND_HOST, [
      /^warning bond0: .*CANNOT be seen here: mlx5_bond_0 \(mlx5_core\) takes it before the interface; no RoCE/,
      /^note bond0: to see the RoCE of bond0, mirror/,
      /^note bond0: whose the queue pairs/,
    ]));

  test('a VLAN and the bond under it: hidden on both, and counted twice', () =>
    assertSaid(VLAN_HOST, [
      /^warning bond0\.100: .*CANNOT be seen/,
      /^note bond0\.100: to see/,
      /^note bond0\.100: whose the queue pairs/,
      /^warning bond0: .*CANNOT be seen/,
      /^note bond0: to see/,
      /^note bond0: whose the queue pairs/,
      /^warning bond0\.100: bond0\.100 stands on bond0, which is configured too: the same packets count on each/,
    ]));

  test('a virtual function hides its RoCE as well', () =>
    assertSaid(VIRTUAL_FUNCTION_HOST, [
      /^warning eth4: .*CANNOT be seen here: mlx5_2/,
      /^note eth4: to see/,
      /^note eth4: whose the queue pairs/,
    ]));

  test('a monitor host: unknown where RoCE may be off, else what a mirror sends is counted', () =>
    assertSaid(MONITOR_HOST, [
      /^warning eth5: it is UNKNOWN whether mlx5_1 \(mlx5_core\) takes RoCE before it reaches eth5.*enable_roce/,
      /^warning eth6: the card of eth6 can do RDMA \(i40e\), but none of the RDMA devices mlx5_1 belongs to it/,
      /^note eth7: .*promiscuous.*roce\.decap_mirror: true/,
    ]));

  test('a container without /sys: what is not known, and how to know it', () =>
    assertSaid(CONTAINER_HOST, [
      /^warning host: the control group allows 100 MiB/,
      /^warning host: there is no \/sys\/class\/net/,
      /^warning eth0: the card of eth0 can do RDMA \(mlx5_core\), but \/sys\/class\/infiniband has no device.*in a container/,
    ]));

  test('without privilege: one problem, which names what is missing', () =>
    assertSaid(UNPRIVILEGED_HOST, [/^problem host: .*run as root.*lacks CAP_BPF, CAP_PERFMON, so doctor/]));

  test('an old kernel', () =>
    assertSaid(OLD_HOST, [
      /^warning host: Linux 5\.10\.0-30-amd64 is older than 5\.15/,
      /^warning host: .*CONFIG_DEBUG_INFO_BTF/,
      /^warning host: .*sysctl -w net\.core\.bpf_jit_enable=1/,
      /^warning host: .*locked memory, of which 0 MiB .*LimitMEMLOCK/,
      /^note eth0: the MTU of eth0, 9000, is more than native XDP takes in one buffer \(about 3498\), and the BPF program is loaded without frags; so it attaches in generic/,
      /^warning eth0: the card of eth0 can do RDMA \(i40e\)/,
    ]));
});

describe('what stops an interface', () => {
  test('it is missing', () =>
    assertSaid(host([{ name: 'nope', isConfigured: true, link: undefined }]), [
      /^problem nope: there is no interface nope here: --list/,
    ]));

  test('its link type has no framing', () =>
    assertSaid(one({ linkType: 280 }), [/^problem eth0: eth0 has link type 280 .*cannot be parsed/]));

  test('the object is refused, or libbpf is missing', () => {
    assertSaid(one({}, { object: { isLoaded: false, sentence: 'the verifier says no' } }), [
      /^problem host: the verifier says no$/,
    ]);
    const sentence = 'libbpf.so.1 cannot be loaded';
    assertSaid(one({}, { libbpf: { sentence }, object: { isLoaded: false, sentence } }), [
      /^problem host: libbpf\.so\.1 cannot be loaded$/,
    ]);
  });

  test('native is wanted, and not to be had', () => {
    const none = { native: { source: 'kernel', isSupported: false, features: [] } } as const;
    assertSaid(one(none, {}, { attachMode: 'native' }), [/^problem eth0: eth0 has no native XDP/]);
    assertSaid(one(none, {}, { attachMode: 'auto' }), []);
    assertSaid(one({ native: { source: 'unknown' } }, {}, { attachMode: 'native' }), [
      /^warning eth0: .*--probe/,
    ]);
    assertSaid(one({ native: { source: 'table', isSupported: true } }, {}, { attachMode: 'native' }), []);
  });

  test('a probe says the last word', () => {
    const refused = { isAttached: false, sentence: 'XDP cannot be attached to eth0: native: EBUSY' } as const;
    assertSaid(one({ probe: refused }), [/^problem eth0: XDP cannot be attached to eth0: native: EBUSY$/]);
    const attached = {
      isAttached: true,
      mode: 'generic',
      flavour: 'frags',
      refusals: ['native: E: no'],
    } as const;
    // What the kernel said, and the size of frames, no longer matter.
    const native = { source: 'kernel', isSupported: false, features: [] } as const;
    assertSaid(one({ probe: attached, native, mtuBytes: 9000 }, {}, { attachMode: 'native' }), [
      /^note eth0: tried: XDP attaches to eth0 in generic mode \(frags\), as native was refused: native: E: no$/,
    ]);
  });
});

describe('who is there already', () => {
  const incumbent = { id: 5, name: 'count_ethernet_', mode: 'generic', isOurs: true } as const;

  test('an exporter of ours does what is wanted', () =>
    assertSaid(one({ incumbent }), [
      /^warning eth0: an xtrace-catch counts eth0 already \("count_ethernet_", id 5, generic mode\)/,
    ]));

  test('what a probe then meets is not told twice', () => {
    const probe = { isAttached: false, sentence: 'eth0 already has an XDP program' } as const;
    assertSaid(one({ incumbent, probe }), [/^warning eth0: an xtrace-catch counts eth0 already/]);
  });

  test('whose name is not shown may be ours', () =>
    assertSaid(one({ incumbent: { ...incumbent, name: '', isOurs: false } }), [
      /^problem eth0: eth0 already has an XDP program \(id 5, generic mode\).*; its name is shown to CAP_SYS_ADMIN alone/,
    ]));

  test('on an interface that nobody asked for, it is no finding', () =>
    assertSaid(host([configured('eth0'), other('eth1', { incumbent })]), []));
});

describe('frames larger than a buffer', () => {
  const large = { mtuBytes: 3499 };
  const noFrags = { source: 'kernel', isSupported: true, features: ['basic'] } as const;

  test('only where the driver or the object lacks frags', () => {
    assertSaid(one(large), []);
    assertSaid(one({ ...large, native: noFrags }), [/^note eth0: .*3499, .*passes no multi-buffer frames/]);
    assertSaid(one({ mtuBytes: 3498, native: noFrags }), []);
    assertSaid(one({ ...large, native: noFrags }, {}, { attachMode: 'generic' }), []);
    assertSaid(one({ ...large, native: noFrags }, {}, { attachMode: 'native' }), [
      /^warning eth0: .*attach_mode: native will fail: ip link set dev eth0 mtu 3498/,
    ]);
  });

  test('larger pages take more', () =>
    assertSaid(one({ mtuBytes: 9000, native: noFrags }, { pageBytes: 65_536 }), []));
});

describe('the rest', () => {
  test('down, or without a carrier', () => {
    assertSaid(one({ isUp: false }), [/^warning eth0: eth0 is down.*ip link set dev eth0 up/]);
    assertSaid(one({ role: role({ operState: 'lowerlayerdown' }) }), [
      /^warning eth0: .*no carrier \(lowerlayerdown\)/,
    ]);
    assertSaid(one({ role: role({ operState: 'unknown' }) }), []);
  });

  test('virtual functions handed out, a representor', () => {
    assertSaid(one({ role: role({ virtualFunctions: 1 }) }), [
      /^note eth0: eth0 has handed out 1 virtual function, /,
    ]);
    assertSaid(one({ role: role({ representorOf: 'pf0vf3' }) }), [/^warning eth0: eth0 stands for pf0vf3/]);
  });

  test('the port of a bridge is no monitor port', () =>
    assertSaid(one({ role: role({ isPromiscuous: true, master: 'br0' }) }), []));

  test("another namespace's /sys", () =>
    assertSaid(one({ role: undefined }, { isSysfsOurs: false }), [
      /^warning host: \/sys\/class\/net shows another network namespace/,
    ]));

  test('RDMA that nobody wants to look at', () =>
    assertSaid(one({}, {}, { readsRdma: false }), [/^note eth0: rdma\.enabled is false/]));

  test('where a mirror may arrive, the card itself is told to leave RoCE alone', () => {
    const promiscuous = role({ pciAddress: '0000:03:00.0', isPromiscuous: true });
    assertSaid(one({ driver: 'mlx5_core', role: promiscuous, rdma: [rdma({})] }), [
      /^warning eth0: .*CANNOT be seen/,
      /^note eth0: eth0 takes frames for others.*pci\/0000:03:00\.0 name enable_roce value false/,
      /^note eth0: whose the queue pairs/,
    ]);
    const other = rdma({ device: 'bnxt_re0', driver: 'bnxt_en' });
    assertSaid(one({ driver: 'bnxt_en', role: promiscuous, rdma: [other] }), [
      /^warning eth0: .*CANNOT be seen/,
      /^note eth0: to see/,
    ]);
  });

  test('memory: what is enough, unlimited or unknown is not spoken of', () => {
    for (const limit of [undefined, 'unlimited', 160 * 1024 * 1024] as const) {
      assertSaid(one({}, { cgroupMemoryBytes: limit }), []);
      assertSaid(one({}, { lockedMemoryBytes: limit, kernelRelease: '5.15.0' }), []);
    }
    assert.equal(GOOD_HOST.lockedMemoryBytes, 8 * 1024 * 1024);
  });
});

test('every sentence is one line without a full stop, and says whom it is about', () => {
  const hosts = [
    ...[MLX5_HOST, RXE_HOST, INFINIBAND_HOST, BOND_HOST, VLAN_HOST, VIRTUAL_FUNCTION_HOST, MONITOR_HOST],
    ...[CONTAINER_HOST, UNPRIVILEGED_HOST, OLD_HOST],
  ];
  for (const facts of hosts) {
    for (const { interfaceName, sentence } of judgeFacts(facts).findings) {
      assert.match(sentence, /^[\x20-\x7e]+[^.]$/);
      assert.ok(interfaceName === undefined || sentence.includes(interfaceName), sentence);
    }
  }
});
