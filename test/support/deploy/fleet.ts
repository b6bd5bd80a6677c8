// SPDX-License-Identifier: Apache-2.0
// A handful of exporters on one machine, each in a trouble of its own, scraped by Debian's prometheus and
// vmagent, whose rules are the shipped ones. For tests only.

import type { TestContext } from 'node:test';
import { waitFor } from '../conditions.js';
import { type Exporter, startExporter } from '../exporter/exporter.js';
import { createSite, type Site } from '../exporter/site.js';
import { ETHERTYPE, ethernet, payloadOf } from '../frames/frames.js';
import { udpFlows } from '../frames/traffic-mix.js';
import { startSending } from '../kernel/sender.js';
import { type DeviceSpec, HANGING, RdmaSysfs } from '../rdma/rdma-sysfs.js';
import { type Scraper, startPrometheus, startVmagent } from '../receivers/scrapers.js';
import { temporaryFolder } from '../temporary-folder.js';
import { manyPairs, roceTrouble } from './roce-trouble.js';
import { RULE_FILES } from './rule-files.js';

/** What is scraped, and where. The large one has an answer near 16 MiB, which nobody wants each second. */
export const INSTANCES = {
  roce: '127.0.0.1:10060',
  small: '127.0.0.1:10061',
  large: '127.0.0.1:10062',
  gone: '127.0.0.1:10063',
  stuck: '127.0.0.1:10064',
} as const;
type Instance = keyof typeof INSTANCES;

const EVERY_S = 2;
const LARGE_EVERY_S = 10;
/** More than the longest interval; the default has all wait for a minute after a start. */
const HOLD_MAX_MS = 12_000;
/** Who is no longer heard of is forgotten so soon; the default of five minutes is long to wait for. */
const STALE_AFTER = '60s';
/** No such receiver. */
const NOWHERE = 'http://127.0.0.1:9/api/v1/write';
/** As long as the name of a network may be. */
const LONG_NAME = 'n'.repeat(100);

const ACTIVE = {
  link_layer: 'Ethernet',
  state: '4: ACTIVE',
  phys_state: '5: LinkUp',
  rate: '100 Gb/sec (4X EDR)',
};

function card(netdev: string, port: Partial<DeviceSpec['ports'][string]> = {}): DeviceSpec {
  const counters = { port_rcv_data: 0, port_xmit_data: 0, port_rcv_packets: 0, port_xmit_discards: 0 };
  const hwCounters = { np_cnp_sent: 0, np_ecn_marked_roce_packets: 0, out_of_sequence: 0, rp_cnp_handled: 0 };
  return {
    driver: 'mlx5_core',
    files: { node_type: '1: CA', fw_ver: '22.39.2048', hca_type: 'MT4125' },
    siblings: { [netdev]: { dev_port: 0 } },
    ports: { 1: { files: ACTIVE, ndevs: { 0: netdev }, counters, hwCounters, ...port } },
  };
}

/** Of each instance: its arguments and settings. */
function settingsOf(sysfs: RdmaSysfs, spool: string) {
  const noRdma = { rdma: { enabled: false } };
  return {
    roce: { args: ['-i', 'vr', '-t', '200'], settings: { rdma: { sysfs_path: sysfs.path } } },
    small: {
      args: ['-i', 'vl,missing', '-t', '200', '--attach-mode=generic'],
      settings: {
        ...noRdma,
        kernel: { max_flows: 64, slots_per_cpu: 64 },
        flows: { max_series: 50 },
        roce: { max_pairs: 20, max_streams: 64 },
        push: {
          enabled: true,
          url: NOWHERE,
          spool_path: spool,
          spool_max_bytes: 1 << 20,
          queue_max_bytes: 1 << 20,
        },
      },
    },
    large: {
      args: ['-i', 'vc', '-t', '5000'],
      settings: {
        ...noRdma,
        collect_agg: LONG_NAME,
        networks: { '0.0.0.0/0': LONG_NAME, '::/0': `6${LONG_NAME.slice(1)}` },
        flows: {
          labels: [
            'src_ip',
            'dst_ip',
            'src_port',
            'dst_port',
            'traffic_type',
            'interface',
            'collect_agg',
          ].concat('src_network', 'dst_network'),
        },
      },
    },
    gone: { args: ['-i', 'missing', '-t', '1000'], settings: noRdma },
    stuck: { args: ['-i', 'missing', '-t', '1000'], settings: noRdma },
  };
}

export interface Fleet {
  readonly site: Site;
  readonly scrapers: readonly Scraper[];
  /** What happens to machines that were well before: an exporter ends, another's drains fail, a port goes down. */
  breakDown(): Promise<void>;
}

/** All of it ends with the test. */
export async function startFleet(t: TestContext): Promise<Fleet> {
  const site = createSite(t, 'f');
  for (const device of ['vr', 'vl', 'vc']) site.addVeth(device);
  const sysfs = new RdmaSysfs({
    mlx5_0: card('vr'),
    mlx5_1: card('unused'),
    mlx5_2: card('other', { hwCounters: { out_of_sequence: HANGING } }),
  });
  t.after(() => sysfs.remove());
  const spool = temporaryFolder('xtrace-spool-');

  const exporters = new Map<Instance, Exporter>();
  for (const [name, options] of Object.entries(settingsOf(sysfs, spool))) {
    const instance = name as Instance;
    const exporter = await startOn(t, site, INSTANCES[instance], options);
    exporters.set(instance, exporter);
  }
  const pages = (Object.keys(INSTANCES) as Instance[]).map((name) => ({
    url: `http://${INSTANCES[name]}/metrics`,
    ...(name === 'large' && { everyS: LARGE_EVERY_S }),
  }));
  const scrapers: Scraper[] = [];
  t.after(() => Promise.all(scrapers.map((scraper) => scraper.stop())));
  scrapers.push(
    await startPrometheus(site.host, pages, {
      everyS: EVERY_S,
      ruleFiles: RULE_FILES,
      flags: ['--web.enable-remote-write-receiver', `--query.lookback-delta=${STALE_AFTER}`],
    }),
  );
  scrapers.push(
    await startVmagent(site.host, pages, {
      everyS: EVERY_S,
      ruleFiles: RULE_FILES,
      storageFlags: [`-search.maxStalenessInterval=${STALE_AFTER}`],
    }),
  );

  keepSending(t, site, { device: 'vr', frames: roceTrouble(), packetsPerSecond: 1500 });
  keepSending(t, site, {
    device: 'vl',
    // A frame that is no IP, too.
    frames: [...udpFlows(1, 1000), ...manyPairs(300), ethernet(ETHERTYPE.arp, payloadOf(46))],
    packetsPerSecond: 1500,
  });
  await site.send('vc', udpFlows(2, 8000));
  keepCounting(t, sysfs);
  const pushers = await startPushers(t, site);

  return {
    site,
    scrapers,
    async breakDown() {
      for (const scraper of scrapers) await wellBefore(scraper);
      for (const pusher of pushers) await pusher.stop();
      await exporters.get('gone')?.stop();
      sysfs.write('mlx5_1/ports/1/state', '1: DOWN');
      sysfs.write('mlx5_1/ports/1/phys_state', '3: Disabled');
      failDrains(t, site, exporters.get('stuck')?.child.pid ?? 0);
    },
  };
}

interface OnSite {
  readonly args: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
}

async function startOn(
  t: TestContext,
  site: Site,
  address: string,
  { args, settings }: OnSite,
): Promise<Exporter> {
  const exporter = await startExporter({
    namespace: site.host,
    args: [...args, `--web.listen-address=${address}`],
    settings: {
      ...settings,
      flows: { new_series: 'zero_first', hold_max_ms: HOLD_MAX_MS, ...(settings['flows'] as object) },
    },
  });
  t.after(() => exporter.stop());
  return exporter;
}

/** Hosts that nobody scrapes; each pushes to one of the two. */
async function startPushers(t: TestContext, site: Site): Promise<readonly Exporter[]> {
  const urls = ['http://127.0.0.1:9090/api/v1/write', 'http://127.0.0.1:8428/api/v1/write'];
  const pushers: Exporter[] = [];
  for (const url of urls) {
    const settings = {
      rdma: { enabled: false },
      push: { enabled: true, url, compression: 'snappy', instance: 'pushing' },
    };
    pushers.push(await startOn(t, site, '127.0.0.1:0', { args: ['-i', 'missing', '-t', '1000'], settings }));
  }
  return pushers;
}

function keepSending(
  t: TestContext,
  site: Site,
  { device, ...load }: { device: string; frames: readonly Buffer[]; packetsPerSecond: number },
): void {
  const prefix = site.peer.enter;
  const sending = startSending({ prefix, interface: `${device}p`, repeat: 1_000_000, ...load });
  t.after(async () => {
    await sending.child.stop();
    sending.dispose();
  });
}

/** What the card has taken out before XDP, and what its counters say of it. */
function keepCounting(t: TestContext, sysfs: RdmaSysfs): void {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks++;
    sysfs.write('mlx5_0/ports/1/counters/port_rcv_packets', 1_000_000 * ticks);
    for (const file of ['port_rcv_data', 'port_xmit_data', 'port_xmit_discards']) {
      sysfs.write(`mlx5_0/ports/1/counters/${file}`, 250_000_000 * ticks);
    }
    for (const file of ['np_cnp_sent', 'np_ecn_marked_roce_packets', 'out_of_sequence', 'rp_cnp_handled']) {
      sysfs.write(`mlx5_0/ports/1/hw_counters/${file}`, 100 * ticks);
    }
  }, 500);
  t.after(() => clearInterval(timer));
}

/** All that is to break down has been seen well. */
async function wellBefore(scraper: Scraper): Promise<void> {
  const well = [
    'xtrace_rdma_port_active{device="mlx5_1"} == 1',
    `xtrace_refresh_timestamp_seconds{instance="${INSTANCES.stuck}"} > 0`,
    `up{instance="${INSTANCES.gone}"} == 1`,
    'xtrace_build_info{instance="pushing"}',
  ];
  for (const one of well) {
    await waitFor(`${scraper.name}: ${one}`, async () => (await scraper.query(one)).length > 0, {
      limitMs: 120_000,
      intervalMs: 500,
    });
  }
}

/** Every bpf() of the process fails from here on. */
function failDrains(t: TestContext, site: Site, pid: number): void {
  const inject = ['-e', 'trace=bpf', '-e', 'inject=bpf:error=EIO'];
  const strace = site.host.start('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, '-p', String(pid)]);
  t.after(() => strace.stop());
}
