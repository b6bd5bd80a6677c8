// SPDX-License-Identifier: Apache-2.0
// Every setting, declared once: its key in the file, its default, its rule, and what it means to the
// program, which has it under the same name in camelCase (config.ts). For users, who read
// config/xtrace-catch.yaml, the same keys stand there with their comments.

import { counterPatterns } from './counter-patterns.js';
import { flowLabels, USUAL_LABELS } from './flow-labels.js';
import { flowRules } from './flow-rules.js';
import { hostIpChoice } from './host-ip-rule.js';
import { interfacePatterns } from './interface-rules.js';
import { listenAddresses } from './listen-address.js';
import { networksGiven } from './network-rules.js';
import { portList, portRange } from './port-rules.js';
import {
  absolutePath,
  hostName,
  httpHeaders,
  labelValueOrNone,
  metricLabels,
  secretFile,
  userName,
} from './push-rules.js';
import {
  absoluteFolder,
  absoluteFolderOrNone,
  httpUrl,
  labelValue,
  powerOfTwo,
  telemetryPath,
  truthValue,
  wholeNumber,
  zeroOrWholeNumber,
} from './rules.js';
import { mapping, oneWord, parsedText, type SettingsSection, setting } from './settings-tree.js';
import { filePath } from './web-rules.js';

const HOUR_MS = 3_600_000;
const MEBI = 1 << 20;

export const SETTINGS = {
  /** Names, globs, exclusions and `auto` (interface-patterns.ts), each once, in the order given. */
  interfaces: setting(['eth0'], interfacePatterns()),
  filter: oneWord('all', ['all', 'roce', 'roce_v1', 'roce_v2', 'tcp', 'udp', 'ib']),
  /** Time between two drains and refreshes. */
  interval_ms: setting(5000, wholeNumber(100, HOUR_MS, 'milliseconds')),
  /** Leave out traffic from or to well-known DNS resolvers. */
  exclude_dns: setting(false, truthValue()),
  /** Value of the label collect_agg; never empty. */
  collect_agg: setting('default', labelValue()),
  /** Value of the label host_ip: the host's first address, that of an interface, or as given. */
  host_ip: parsedText('auto', hostIpChoice()),
  /** Names of networks, or the file that has them. */
  networks: mapping(networksGiven()),
  attach_mode: oneWord('auto', ['auto', 'native', 'generic']),
  /** Flow lines on stdout; `auto` = when it is a terminal. */
  print: oneWord('auto', ['auto', 'always', 'never']),
  /** An absolute path of a file from which counters go on after a restart, or empty: they begin at 0. */
  state_path: setting('', absolutePath()),
  flows: {
    /** Most flows that have a series of their own. */
    max_series: setting(10_000, wholeNumber(1, 1_000_000)),
    /** Beyond it no series begins in the place of another when all are in use. */
    max_new_series_per_minute: setting(600, wholeNumber(0, 1_000_000)),
    /** Most bytes of an answer to a scrape: just under what vmagent takes by default. */
    max_exposition_bytes: setting(16_000_000, wholeNumber(MEBI, 1024 * MEBI, 'bytes')),
    /** zero_first: a new series shows 0 until every active scraper has seen it; at_value: its value at once. */
    new_series: oneWord('zero_first', ['zero_first', 'at_value']),
    /** So long at most it shows 0, and one that ends waits until its last value was seen. */
    hold_max_ms: setting(120_000, wholeNumber(0, HOUR_MS, 'milliseconds')),
    /** As given; whoever expires flows waits two intervals at least. */
    idle_timeout_ms: setting(300_000, wholeNumber(200, 24 * HOUR_MS, 'milliseconds')),
    /** Labels that tell flows apart. */
    labels: setting(USUAL_LABELS, flowLabels()),
    /** Flows that get series: those that a rule of include means, or all; less those of exclude. */
    include: setting([], flowRules()),
    exclude: setting([], flowRules()),
    /** False: a flow has its two counters alone, without the gauges of the last interval. */
    gauges: setting(true, truthValue()),
    /** service: the client's port is zeroed in the kernel (abi/port-folding.ts); none: both are. */
    ports: oneWord('all', ['all', 'service', 'none']),
    /** Ports of clients; `host`: those that the kernel of this host gives out. */
    ephemeral_ports: parsedText('', portRange()),
    /** Ports of services wherever they lie. By default EtherNet/IP, BACnet, gRPC and WireGuard. */
    service_ports: setting([44_818, 47_808, 50_051, 51_820], portList()),
    /** False: the port is zeroed in the kernel, so flows that differ in nothing else are one. */
    src_port: setting(true, truthValue()),
    dst_port: setting(true, truthValue()),
    vlan: setting(false, truthValue()),
    /** Leading bits of an address that are kept; 32 and 128 keep it whole. */
    ipv4_prefix_length: setting(32, wholeNumber(0, 32)),
    ipv6_prefix_length: setting(128, wholeNumber(0, 128)),
  },
  kernel: {
    /** Entries of each flow map: the flows of one interval. */
    max_flows: setting(131_072, wholeNumber(1, 16_777_216)),
    /** IPv4 slots; the other arrays go by it (kernel/slot-sizing.ts). */
    slots_per_cpu: setting(131_072, powerOfTwo(64, 1_048_576)),
    /** Above it the slots per CPU are halved until they fit; 0: by the memory of the host. */
    max_slot_bytes: setting(0, zeroOrWholeNumber(65_536, 1_073_741_824, 'bytes')),
    /** An absolute path in a bpffs, where links and maps outlive the process, or empty: nothing does. */
    pin_path: setting('', absoluteFolderOrNone('/sys/fs/bpf/xtrace-catch')),
  },
  /** What is read of RoCE packets' own headers. */
  roce: {
    /** False: RoCE packets are counted as flows only. */
    enabled: setting(true, truthValue()),
    /** Adds the label queue_pair to RoCE's pairs and to flows. */
    per_queue_pair: setting(false, truthValue()),
    /** RoCE inside ERSPAN and GRE counts as what it was before it was mirrored. */
    decap_mirror: setting(false, truthValue()),
    /** Most pairs that have series of their own. */
    max_pairs: setting(1000, wholeNumber(1, 100_000)),
    /** Entries of the kernel's stream map, the streams of one interval, and of its PSN tracker. */
    max_streams: setting(16_384, wholeNumber(1, 1_048_576)),
  },
  rdma: {
    /** Read the counters of RDMA devices. */
    enabled: setting(true, truthValue()),
    /** An absolute path: where class/infiniband is looked for. */
    sysfs_path: setting('/sys', absoluteFolder()),
    /** Owners of queue pairs that have series of their own. */
    max_owners: setting(256, wholeNumber(1, 10_000)),
    /** One info series for each queue pair. */
    per_queue_pair: setting(false, truthValue()),
  },
  nic: {
    /** Read what network cards count themselves. */
    enabled: setting(true, truthValue()),
    /** Patterns of drivers' counters to show under their own names. */
    raw: setting([], counterPatterns()),
    /** An absolute path: where class/net is looked for. */
    sysfs_path: setting('/sys', absoluteFolder()),
  },
  web: {
    /** One address or several, each HOST:PORT or unix:/PATH. */
    listen_address: parsedText(':10060', listenAddresses()),
    /** Serve on the sockets that systemd passes, instead of listen_address. */
    systemd_socket: setting(false, truthValue()),
    /** Path of a web configuration file (web-settings.ts): TLS, users, headers, a rate limit. Empty: none of them. */
    config_file: setting('', filePath()),
    /** Starts with a slash; never the landing page or a path under /-/, /api/v1/ or /assets/. */
    telemetry_path: setting('/metrics', telemetryPath()),
    /** OpenMetrics tells of each counter since when it counts, in a series of its own (_created). */
    openmetrics_created: setting(false, truthValue()),
    /** Scrapes served at the same time. */
    max_requests: setting(40, wholeNumber(1, 10_000)),
    /** The API under /api/v1/ and the page that is made of it. */
    ui: setting(true, truthValue()),
  },
  log: {
    level: oneWord('info', ['debug', 'info', 'warn', 'error']),
    format: oneWord('logfmt', ['logfmt', 'json']),
  },
  /** File paths are absolute, or empty where there is none. */
  push: {
    enabled: setting(false, truthValue()),
    /** An http or https URL, perhaps with a user and a password. */
    url: setting('http://localhost:8428/api/v1/import/prometheus', httpUrl()),
    /** As given; choosePushFormat() makes `auto` one of the others. */
    format: oneWord('auto', ['auto', 'text', 'remote_write', 'remote_write_2']),
    /** Of remote write 1.0; the other formats know one compression each. */
    compression: oneWord('auto', ['auto', 'snappy', 'zstd']),
    /** Sent along with each request; none of those that we set ourselves. */
    headers: mapping(httpHeaders()),
    /** Both empty or both given. */
    basic_auth: {
      username: setting('', userName()),
      password_file: setting('', secretFile()),
    },
    bearer_token_file: setting('', secretFile()),
    tls: {
      ca_file: setting('', secretFile()),
      /** cert_file and key_file are both empty or both given. */
      cert_file: setting('', secretFile()),
      key_file: setting('', secretFile()),
      /** Empty: the host of the URL. */
      server_name: setting('', hostName()),
      insecure_skip_verify: setting(false, truthValue()),
    },
    /** From the start of a request to the end of its answer. */
    timeout_ms: setting(30_000, wholeNumber(100, 600_000, 'milliseconds')),
    /** Most bytes that wait in memory. */
    queue_max_bytes: setting(64 * MEBI, wholeNumber(MEBI, 4096 * MEBI, 'bytes')),
    batch_max_samples: setting(10_000, wholeNumber(1, 100_000)),
    /** A batch whose samples are older is dropped. */
    max_age_ms: setting(24 * HOUR_MS, wholeNumber(1000, 366 * 24 * HOUR_MS, 'milliseconds')),
    retry: {
      min_backoff_ms: setting(500, wholeNumber(10, 60_000, 'milliseconds')),
      /** Never below min_backoff_ms. */
      max_backoff_ms: setting(30_000, wholeNumber(10, HOUR_MS, 'milliseconds')),
      on_429: setting(true, truthValue()),
    },
    /** An absolute path of a folder, or empty: no spool. */
    spool_path: setting('', absolutePath()),
    spool_max_bytes: setting(1024 * MEBI, wholeNumber(MEBI, 1_048_576 * MEBI, 'bytes')),
    /** Labels that every pushed series gets; never job and instance. */
    extra_labels: mapping(metricLabels()),
    job: setting('xtrace-catch', labelValue()),
    /** Empty: the host's name, with the port of /metrics. */
    instance: setting('', labelValueOrNone()),
  },
} satisfies SettingsSection;
