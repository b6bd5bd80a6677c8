/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends frames of many flows, each made from the number of its flow, so that millions of them
 * take no memory; loses none, and prints what was sent as JSON. For tests only.
 *
 * send-flood INTERFACE KIND FIRST COUNT PACKETS LAG RATE
 *
 * KIND:    scan: address scans and port scans, IPv4 and IPv6 in turn, no two flows alike
 *          among 16 million; roce: RoCE v2 streams, over IPv4 and IPv6 in turn, 5 to a pair
 *          of addresses, each of a queue pair and a UDP source port of its own.
 * FIRST, COUNT: numbers of the flows.
 * PACKETS: of each flow; between two of them LAG other flows begin.
 * RATE:    frames a second, on average; 0 for as fast as it goes.
 *
 * SIGTERM ends it early, and it prints what was sent by then. Checksums are those of nobody:
 * nobody on the way looks at them.
 */
#include "frame-socket.h"

#define FRAME_MAX	 128
#define STREAMS_PER_PAIR 5
#define ROCE_PORT	 4791

enum traffic { TRAFFIC_TCP, TRAFFIC_UDP, TRAFFIC_ROCE, TRAFFIC_KINDS };

static const char *const NAMES[TRAFFIC_KINDS] = {"TCP", "UDP", "RoCE_v2"};

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint32_t length;
	enum traffic traffic;
};

static void put(struct frame *frame, const void *bytes, uint32_t length)
{
	memcpy(frame->bytes + frame->length, bytes, length);
	frame->length += length;
}

static void put8(struct frame *frame, uint8_t value)
{
	frame->bytes[frame->length++] = value;
}

static void put16(struct frame *frame, uint32_t value)
{
	put8(frame, (uint8_t)(value >> 8));
	put8(frame, (uint8_t)value);
}

static void put32(struct frame *frame, uint32_t value)
{
	put16(frame, value >> 16);
	put16(frame, value);
}

/* Locally administered MAC addresses, which no device has. */
static void put_ethernet(struct frame *frame, uint32_t ether_type)
{
	static const uint8_t ends[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

	frame->length = 0;
	put(frame, ends, sizeof(ends));
	put16(frame, ether_type);
}

static void put_ipv4(struct frame *frame, uint8_t protocol, uint32_t payload, uint32_t from,
		     uint32_t to)
{
	put_ethernet(frame, ETH_P_IP);
	put16(frame, 0x4500);
	put16(frame, 20 + payload);
	put32(frame, 0);
	put8(frame, 64);
	put8(frame, protocol);
	put16(frame, 0);
	put32(frame, from);
	put32(frame, to);
}

/* 2001:db8:NET::LAST */
static void put_address6(struct frame *frame, uint32_t net, uint32_t last)
{
	put32(frame, 0x20010db8);
	put32(frame, net << 16);
	put32(frame, 0);
	put32(frame, last);
}

/* Addresses: [net, last] each. */
static void put_ipv6(struct frame *frame, uint8_t protocol, uint32_t payload,
		     const uint32_t from[2], const uint32_t to[2])
{
	put_ethernet(frame, ETH_P_IPV6);
	put32(frame, 0x60000000);
	put16(frame, payload);
	put8(frame, protocol);
	put8(frame, 64);
	put_address6(frame, from[0], from[1]);
	put_address6(frame, to[0], to[1]);
}

static void put_syn(struct frame *frame, uint32_t source_port, uint32_t port)
{
	frame->traffic = TRAFFIC_TCP;
	put16(frame, source_port);
	put16(frame, port);
	put32(frame, 1);
	put32(frame, 0);
	put32(frame, 0x50020400);
	put32(frame, 0);
}

/* An empty datagram. Not to the port of RoCE: from another source port to port 0 instead. */
static void put_datagram(struct frame *frame, uint32_t source_port, uint32_t port)
{
	int is_roce_port = port == ROCE_PORT;

	frame->traffic = TRAFFIC_UDP;
	put16(frame, is_roce_port ? source_port + 0x4000 : source_port);
	put16(frame, is_roce_port ? 0 : port);
	put16(frame, 8);
	put16(frame, 0);
}

/* Of each four flows: an address and a port scan over IPv4, then both over IPv6. */
static void make_scan(struct frame *frame, uint32_t flow)
{
	uint32_t target = flow >> 2;
	/* A port scan begins anew from another source port. */
	uint32_t port = target & 0xffff, source_port = 1024 + (target >> 16);
	static const uint32_t scanner[2] = {0x60, 1}, victim[2] = {0x61, 1};
	const uint32_t scanned[2] = {0x62, target + 1};

	switch (flow & 3) {
	case 0:
		put_ipv4(frame, IPPROTO_TCP, 20, 0xc6120001, 0x0a800000 + target);
		put_syn(frame, 40000, 22);
		break;
	case 1:
		put_ipv4(frame, IPPROTO_TCP, 20, 0xc6120002, 0x0a330001);
		put_syn(frame, source_port, port);
		break;
	case 2:
		put_ipv6(frame, IPPROTO_TCP, 20, scanner, scanned);
		put_syn(frame, 40000, 22);
		break;
	default:
		put_ipv6(frame, IPPROTO_UDP, 8, scanner, victim);
		put_datagram(frame, source_port, port);
	}
}

/* A SEND of 16 bytes over RC. */
static void make_stream(struct frame *frame, uint32_t stream, uint32_t packet)
{
	static const uint8_t payload_and_icrc[20];
	uint32_t pair = stream / STREAMS_PER_PAIR;
	uint32_t length = 8 + 12 + sizeof(payload_and_icrc);
	const uint32_t from[2] = {0x70, pair + 1}, to[2] = {0x71, pair + 1};

	if (pair & 1)
		put_ipv6(frame, IPPROTO_UDP, length, from, to);
	else
		put_ipv4(frame, IPPROTO_UDP, length, 0x0a400000 + pair, 0x0a500000 + pair);
	frame->traffic = TRAFFIC_ROCE;
	put16(frame, 0xc000 + stream % 0x4000);
	put16(frame, ROCE_PORT);
	put16(frame, length);
	put16(frame, 0);
	put32(frame, 0x0400ffff);
	put32(frame, (0x100 + stream) & 0xffffff);
	put32(frame, packet);
	put(frame, payload_and_icrc, sizeof(payload_and_icrc));
}

int main(int argc, char **argv)
{
	struct sent sent = {}, by_traffic[TRAFFIC_KINDS] = {};
	struct frame frame = {};
	long first, count, packets, lag, rate, start_ns;
	int fd, is_roce;

	if (argc != 8) {
		fprintf(stderr,
			"usage: send-flood INTERFACE scan|roce FIRST COUNT PACKETS LAG RATE\n");
		return 2;
	}
	is_roce = !strcmp(argv[2], "roce");
	first = atol(argv[3]);
	count = atol(argv[4]);
	packets = atol(argv[5]);
	lag = atol(argv[6]);
	rate = atol(argv[7]);
	fd = open_socket(argv[1]);
	end_on_signal();
	start_ns = now_ns();
	for (long turn = 0; turn < count + (packets - 1) * lag && !is_ending; turn++) {
		for (long packet = 0; packet < packets && !is_ending; packet++) {
			long flow = turn - packet * lag;
			uint64_t bytes = sent.bytes;

			if (flow < 0 || flow >= count)
				continue;
			if (is_roce)
				make_stream(&frame, (uint32_t)(first + flow), (uint32_t)packet);
			else
				make_scan(&frame, (uint32_t)(first + flow));
			send_frame(fd, frame.bytes, frame.length, &sent);
			by_traffic[frame.traffic].packets++;
			by_traffic[frame.traffic].bytes += sent.bytes - bytes;
			if (rate > 0)
				keep_rate(start_ns, sent.packets, rate);
		}
	}
	printf("{\"packets\":%llu,\"bytes\":%llu,\"refusals\":%llu,\"byTraffic\":{",
	       (unsigned long long)sent.packets, (unsigned long long)sent.bytes,
	       (unsigned long long)sent.refusals);
	for (int i = 0; i < TRAFFIC_KINDS; i++)
		printf("%s\"%s\":{\"packets\":%llu,\"bytes\":%llu}", i ? "," : "", NAMES[i],
		       (unsigned long long)by_traffic[i].packets,
		       (unsigned long long)by_traffic[i].bytes);
	printf("}}\n");
	return 0;
}
