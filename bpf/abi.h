/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The only header that user space may know: every record that crosses the border between
 * kernel and user space. src/abi/layout.ts restates the offsets; a test compares both
 * with the BTF of the object.
 *
 * Rules: fixed-width types, no bitfields, enums or pointers in structs, explicit zeroed
 * padding. Addresses are bytes as on the wire; every other number is in host order.
 */
#ifndef XTRACE_ABI_H
#define XTRACE_ABI_H

#include <linux/types.h>
#include "roce-abi.h"

/* Raised with every change of a layout or of a code below. */
#define ABI_VERSION 5

/* What a packet is. The number is API: append only, never reuse. At most 16 (4 bits). */
enum traffic_kind {
	KIND_NONE = 0, /* never counted: an empty slot */
	KIND_TCP = 1,
	KIND_UDP = 2,
	KIND_ROCE_V2 = 3,     /* UDP to port 4791 with a valid BTH */
	KIND_ROCE_V2_UDP = 4, /* UDP from or to port 4791 without one */
	KIND_ROCE_V1 = 5,     /* EtherType 0x8915, GRH and valid BTH */
	KIND_INFINIBAND = 6,  /* on an InfiniBand link, neither TCP, UDP nor RoCE */
	KIND_OTHER = 7,	      /* any other IP */
	KIND_NON_IP = 8,      /* not IP and not RoCE; flow_key.protocol holds a frame_reason */
	KIND_MALFORMED = 9,   /* cannot be parsed; flow_key.protocol holds a frame_reason */
	KIND_MAX = 10,
};

/* Protocol numbers of our own for what is not an IP protocol of its own. */
#define PROTOCOL_INFINIBAND 20
#define PROTOCOL_ROCE_V1    21
#define PROTOCOL_ROCE_V2    254

/* Why a frame has no flow. The number is API: append only; a retired one stays as _UNUSED. */
enum frame_reason {
	REASON_NONE = 0,
	/* KIND_NON_IP */
	REASON_ETHERTYPE = 1,  /* an EtherType that is neither IP nor RoCE v1 */
	REASON_ARP = 2,	       /* ARP and RARP */
	REASON_LLC = 3,	       /* an 802.3 length where the EtherType should be */
	REASON_VLAN_DEPTH = 4, /* a third VLAN tag */
	REASON_PAUSE = 5,      /* MAC control: 802.3x PAUSE; a MAC rarely lets it through */
	REASON_PFC = 6,	       /* MAC control: 802.1Qbb priority flow control */
	/* KIND_MALFORMED */
	REASON_LINK_TRUNCATED = 16,	/* the frame ends within the L2 header or a VLAN tag */
	REASON_IPV4_TRUNCATED = 17,	/* ... within the IPv4 header */
	REASON_IPV4_VERSION = 18,	/* EtherType says IPv4, the version field does not */
	REASON_IPV4_HEADER_LENGTH = 19, /* IHL below 5 */
	REASON_IPV4_TOTAL_LENGTH = 20,	/* total length below the header's */
	REASON_IPV6_TRUNCATED = 21,
	REASON_IPV6_VERSION = 22,
	REASON_IPV6_EXTENSION_TRUNCATED = 23,
	REASON_IPV6_EXTENSION_DEPTH = 24, /* more extension headers than we walk */
	REASON_TRANSPORT_TRUNCATED = 25,  /* TCP, UDP, SCTP, ... cut off before the ports end */
	REASON_GRH_TRUNCATED = 26,	  /* RoCE v1: the frame ends within GRH or BTH */
	REASON_GRH_VERSION = 27,	  /* RoCE v1: IPVer is not 6 */
	REASON_GRH_NEXT_HEADER = 28,	  /* RoCE v1: next header is not 0x1b */
	REASON_BTH_INVALID = 29,	  /* RoCE v1: transport version or opcode unknown */
	REASON_NOT_LINEAR = 30,		/* headers beyond the first buffer of a fragmented frame */
	REASON_L3_VERSION = 31,		/* on a link without L2 header: neither IPv4 nor IPv6 */
	REASON_GRH_PAYLOAD_LENGTH = 32, /* RoCE v1: no room for BTH and ICRC by the GRH */
	REASON_MAX = 33,
};

/* How frames start on an interface; chosen at attach from its ARPHRD type. */
enum framing {
	FRAMING_ETHERNET = 0,	/* ARPHRD_ETHER, ARPHRD_LOOPBACK: 14 bytes */
	FRAMING_INFINIBAND = 1, /* ARPHRD_INFINIBAND: 20 zero bytes, EtherType, 2 reserved, IP */
	FRAMING_L3 = 2,		/* ARPHRD_NONE, PPP, TUNNEL, ...: IP at 0 */
	FRAMING_MAX = 3,
};

/* What a flow is besides its addresses; the tail of both keys. */
struct flow_traits {
	__u16 src_port;
	__u16 dst_port;
	__u32 ifindex;
	__u8 protocol; /* IP protocol, PROTOCOL_*, or frame_reason for kinds without a
			  flow */
	__u8 kind;     /* enum traffic_kind */
	__u16 vlan;    /* outer VLAN id, 0 where there is none */
	__u32 qp;      /* low 24 bits: RoCE destination queue pair, 0 where there is none;
			  high 8: DSCP */
};
_Static_assert(sizeof(struct flow_traits) == 16, "flow_traits");

/* One IPv4 flow. Masked before use; see struct options. */
struct flow_key4 {
	__u8 src_ip[4];
	__u8 dst_ip[4];
	struct flow_traits traits;
};
_Static_assert(sizeof(struct flow_key4) == 24, "flow_key4");

/* One IPv6 flow, or a RoCE v1 flow (its GIDs are 16 bytes). */
struct flow_key6 {
	__u8 src_ip[16];
	__u8 dst_ip[16];
	struct flow_traits traits;
};
_Static_assert(sizeof(struct flow_key6) == 48, "flow_key6");

/* What is counted. bytes: whole frames as XDP sees them, all buffers, without FCS. */
struct flow_count {
	__u64 packets;
	__u64 bytes;
};
_Static_assert(sizeof(struct flow_count) == 16, "flow_count");

/* Where the counts of a flow go that the flow map could not take. */
struct overflow_key {
	__u32 ifindex;
	__u8 kind;   /* enum traffic_kind */
	__u8 reason; /* enum frame_reason for kinds without a flow, else 0 */
	__u16 epoch; /* 0 or 1: so that it is read with the half it belongs to */
};
_Static_assert(sizeof(struct overflow_key) == 8, "overflow_key");

/* How many flows had no place in a flow map: a HyperLogLog, one an epoch. By register, which the
 * highest SKETCH_BITS bits of a hash name, the most leading zeros of its other bits, and 1. */
#define SKETCH_BITS 14

struct flow_sketch {
	__u8 ranks[1 << SKETCH_BITS];
};
_Static_assert(sizeof(struct flow_sketch) == 16384, "flow_sketch");

/* Set by user space between open and load; read-only data from then on. */
struct options {
	__u32 abi_version; /* ABI_VERSION, set at compile time; user space compares */
	__u32 cpu_count;   /* possible CPUs: rows of the slot arrays */
	__u32 hash_seed;   /* random per load: nobody outside can aim at one slot */
	/* Of each slot array: sets of one CPU and half, a power of two; its first byte in
	 * slot_marks; and log2 of the sets that share a mark, all of one CPU and half. */
	__u32 sets4;
	__u32 sets6;
	__u32 roce_sets4;
	__u32 roce_sets6;
	__u32 first_mark4;
	__u32 first_mark6;
	__u32 roce_first_mark4;
	__u32 roce_first_mark6;
	__u8 block_shift4;
	__u8 block_shift6;
	__u8 roce_block_shift4;
	__u8 roce_block_shift6;
	/* Bit n set: packets of kind n keep their addresses and ports. Otherwise all of the kind on
	 * one interface share one key with zero addresses, ports and protocol, so that traffic
	 * nobody asked for does not fill the map. Kinds without a flow keep their reason in any
	 * case: there are few. By framing. */
	__u32 kinds_wanted[FRAMING_MAX];
	__u8 roce;	    /* 1: read the headers of RoCE packets of kinds that are wanted */
	__u8 decap_mirror;  /* 1: RoCE inside ERSPAN and GRE counts as what it was */
	__u16 psn_idle_max; /* a stream silent for more refreshes than this begins anew */
	__u32 psn_sets;	    /* a power of two */
	__u8 fold_ports; /* 1: a client's port is 0 in keys; ephemeral_ports says which that is */
	__u8 pad[3];
	struct flow_key4 mask4; /* ANDed with every IPv4 key */
	struct flow_key6 mask6; /* ANDed with every IPv6 key */
};
_Static_assert(sizeof(struct options) == 144, "options");

/* Ports as bits, the read-only variable `ephemeral_ports`: bit n & 31 of word n >> 5 is set where
 * port n may be a client's. Set by user space as options are. */
#define PORT_WORDS 2048

/* Written by user space while programs run. */
struct control {
	__u32 epoch;   /* 0 or 1: which half of slots and flow maps is written */
	__u32 refresh; /* counts up with every flip: the only clock that programs have */
};
_Static_assert(sizeof(struct control) == 8, "control");

#endif
