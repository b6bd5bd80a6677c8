/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The part of abi.h that is RoCE's: records that cross the border between kernel and user space,
 * by the same rules.
 */
#ifndef XTRACE_ROCE_ABI_H
#define XTRACE_ROCE_ABI_H

#include <linux/types.h>

/* Transports of the BTH: the upper three bits of an opcode (IBTA vol. 1, table 38), and one
 * of ours. */
enum roce_transport {
	ROCE_RC = 0,
	ROCE_UC = 1,
	ROCE_RD = 2,
	ROCE_UD = 3,
	ROCE_CNP = 4,
	ROCE_XRC = 5,
	ROCE_VENDOR = 6,    /* opcodes 0xc0-0xff */
	ROCE_MALFORMED = 7, /* no BTH where one should be: roce_key.detail says why */
};

/* Why UDP to port 4791, or what follows a GRH, is no BTH. API: append only. */
enum roce_malformed {
	ROCE_MALFORMED_NONE = 0,
	ROCE_MALFORMED_SHORT = 1,   /* no room for BTH and ICRC, by IP, UDP or GRH; or the frame
				     * ends before the BTH does */
	ROCE_MALFORMED_VERSION = 2, /* transport version other than 0 */
	ROCE_MALFORMED_OPCODE = 3,  /* an opcode that nobody assigned */
	ROCE_MALFORMED_MAX = 4,
};

/* One stream of RoCE packets: all of what differs but the counts. Never masked: what is
 * shown of it is up to user space. */
struct roce_key {
	__u8 src_ip[16]; /* IPv4 as ::ffff:a.b.c.d; of RoCE v1 the GIDs */
	__u8 dst_ip[16];
	__u32 ifindex;
	__u32 qp;	/* destination queue pair; 0 where malformed */
	__u16 pad;	/* 0; UDP's source port is entropy for ECMP and no part of a stream */
	__u16 pkey;	/* 0 where malformed */
	__u8 version;	/* 1 or 2 */
	__u8 transport; /* enum roce_transport */
	__u8 dscp;
	__u8 detail; /* ROCE_MALFORMED: enum roce_malformed; else 1 for a response, 0 for a
			request */
};
_Static_assert(sizeof(struct roce_key) == 48, "roce_key");

/* What is counted of a stream. Cells of an array: user space knows their names. API. */
enum roce_cell {
	ROCE_PACKETS = 0,
	ROCE_BYTES = 1,		/* whole frames, as flow_count.bytes */
	ROCE_PAYLOAD_BYTES = 2, /* without headers, padding and ICRC; by the headers' lengths */
	ROCE_ECN = 3,		/* 4 cells, by codepoint: not-ECT, ECT(1), ECT(0), CE */
	ROCE_FECN = 7,
	ROCE_BECN = 8,
	ROCE_SOLICITED = 9, /* the SE bit */
	ROCE_ACK_REQUEST = 10,
	ROCE_LENGTH_MALFORMED = 11, /* lengths that do not add up: payload counted as 0 */
	ROCE_SENDS = 12,	    /* messages begun, 7 cells */
	ROCE_WRITES = 13,
	ROCE_READS = 14,
	ROCE_COMPARE_SWAPS = 15,
	ROCE_FETCH_ADDS = 16,
	ROCE_ATOMIC_WRITES = 17,
	ROCE_FLUSHES = 18,
	ROCE_ACKS = 19,
	ROCE_NAKS = 20, /* 6 cells: codes 0x60-0x64, and every other that is no ACK or RNR NAK */
	ROCE_RNR_NAKS = 26,
	ROCE_RNR_DELAY_10US = 27, /* sum of what RNR NAKs asked for, in 10 us */
	ROCE_PSN_GAPS = 28,
	ROCE_PSN_GAP_PACKETS = 29,
	ROCE_PSN_REWINDS = 30,
	ROCE_PSN_RETRANSMITTED = 31,
	ROCE_PSN_RESYNCS = 32,
	ROCE_WRITE_MESSAGE_BYTES = 33, /* sum of RETH lengths */
	ROCE_READ_MESSAGE_BYTES = 34,
	ROCE_WRITE_SIZES = 35, /* 14 cells: lengths up to 64 x 4^n, and above */
	ROCE_READ_SIZES = 49,
	ROCE_INDEXED_CELLS = 64, /* the last is free: an index ANDed with 63 is in bounds */
	ROCE_PSN_LATE = 64,	 /* filled a hole in the window */
	ROCE_PSN_LOST = 65,	 /* holes that left the window */
	ROCE_PSN_DUPLICATES = 66,
	ROCE_PSN_UNJUDGED = 67,	    /* whose order nobody could judge */
	ROCE_PORT = 68,		    /* no sum: ROCE_PORT_KNOWN | the first UDP source port */
	ROCE_STRAYED_BYTES = 69,    /* of packets with another source port: see port_spread */
	ROCE_PSN_CAPTURE_LOST = 70, /* never ours: user space takes them from the lost */
	ROCE_CELLS = 72,
};

#define ROCE_PORT_KNOWN 0x10000

/* Bounds of message sizes: 64 bytes x 4^n for n < ROCE_SIZE_BOUNDS. */
#define ROCE_SIZE_BOUNDS 13

struct roce_count {
	__u64 cells[ROCE_CELLS];
};
_Static_assert(sizeof(struct roce_count) == 576, "roce_count");

/* What else tells packets of a steady stream apart: all that their headers say, but for PSN and
 * source port. User space derives the cells of struct roce_count from it, and the flow. */
struct roce_shape {
	__u32 ifindex;
	__u16 vlan; /* as flow_traits.vlan */
	__u16 pkey;
	__u32 qp;	       /* low 24 bits: destination queue pair; high 8: opcode */
	__u8 tos;	       /* DSCP and ECN */
	__u8 bits;	       /* ROCE_SHAPE_*, and of the BTH's flags SE, M and the pad count */
	__u8 transport_offset; /* of the UDP header */
	__u8 size_cell;	       /* of a WRITE that is one packet: 1 + the cell of its size; else 0 */
};
_Static_assert(sizeof(struct roce_shape) == 16, "roce_shape");

#define ROCE_SHAPE_ACK_REQUEST 0x08
#define ROCE_SHAPE_FECN	       0x04
#define ROCE_SHAPE_BECN	       0x02

/* What is counted of a shape. Packets with another source port than the first one count as strayed,
 * too, and as flows by themselves. */
struct roce_slot_count {
	__u64 packets;
	__u64 bytes;
	__u64 strayed_packets;
	__u64 strayed_bytes;
	__u16 src_port;
	__u8 pad[6];
};
_Static_assert(sizeof(struct roce_slot_count) == 40, "roce_slot_count");

/* A per-CPU slot for packets of one shape, between two addresses. Empty when packets is 0. */
struct roce_slot4 {
	__u8 src_ip[4];
	__u8 dst_ip[4];
	struct roce_shape shape;
	struct roce_slot_count count;
};
_Static_assert(sizeof(struct roce_slot4) == 64, "roce_slot4");

/* Of IPv6. What every packet needs is in the first of its two cache lines. */
struct roce_slot6 {
	__u8 src_ip[16];
	__u8 dst_ip[16];
	struct roce_shape shape;
	struct roce_slot_count count;
	__u8 line_pad[40];
};
_Static_assert(sizeof(struct roce_slot6) == 128, "roce_slot6");

#define ROCE_SLOT_WAYS 4

struct roce_set4 {
	struct roce_slot4 way[ROCE_SLOT_WAYS];
};

struct roce_set6 {
	struct roce_slot6 way[ROCE_SLOT_WAYS];
};

/* Bytes of a stream's strayed packets by the low bits of their UDP source ports. */
#define PORT_BUCKETS 256

struct port_spread {
	__u64 bytes[PORT_BUCKETS];
};
_Static_assert(sizeof(struct port_spread) == 2048, "port_spread");

/* Whose ports: the first bytes of struct roce_key, up to the queue pair. */
#define PORT_SPREAD_KEY_BYTES 40

/* Streams of PSNs whose order is followed, a cache line of them. A stream is the requests, the
 * responses or the acknowledgements of a queue pair between two addresses; it goes by 64 bits of a
 * hash with a random seed. */
#define PSN_WAYS 4

struct psn_set {
	__u64 stream[PSN_WAYS]; /* 0: free */
	__u64 state[PSN_WAYS];	/* psn.h */
};
_Static_assert(sizeof(struct psn_set) == 64, "psn_set");

/* Which detail of a stream's key the three have in their hash; ROCE_ACKED is in no key. */
enum psn_direction {
	PSN_REQUESTS = 0,
	PSN_RESPONSES = 1,
	PSN_ACKED = 2,
};

/* How far below its highest PSN a stream's holes are remembered. */
#define PSN_WINDOW 1024

/* What is missing of a stream of PSNs: bit n % PSN_WINDOW stands for PSN n. */
struct psn_window {
	struct roce_key key; /* of the packet it began with */
	__u32 holes;	     /* bits that are set */
	__u32 direction;     /* enum psn_direction */
	__u64 missing[PSN_WINDOW / 64];
	__u32 unjudged; /* packets that nobody could judge: as many holes are none */
	__u32 pad;
};
_Static_assert(sizeof(struct psn_window) == 192, "psn_window");

/* Where the counts of RoCE packets go that the stream map could not take. */
struct roce_overflow_key {
	__u32 ifindex;
	__u16 version; /* 1 or 2; 0 for what is malformed; or ROCE_UNBOOKED */
	__u16 epoch;
};

/* In place of a version: packets whose order was judged, or could not be, and whose stream had no
 * place for it. They are counted as packets elsewhere. */
#define ROCE_UNBOOKED 3

_Static_assert(sizeof(struct roce_overflow_key) == 8, "roce_overflow_key");

#endif
