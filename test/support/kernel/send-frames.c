/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends the frames of a pcap file (little endian, as pcap.ts writes it) from an
 * interface, in order, as often as asked, and prints what was sent as JSON. It loses
 * nothing: a frame that the kernel refuses for want of room is sent again, so what it
 * prints is what the peer was given. For tests only.
 *
 * send-frames INTERFACE FILE REPEAT CPU PAUSE_NS RATE     (CPU -1: any)
 *
 * RATE: frames a second, 0 for as fast as it goes. Kept on average, in bursts of a millisecond.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PCAP_HEADER 24
#define PCAP_RECORD 16
#define PCAP_MAGIC  0xa1b2c3d4
/* Refusals in a row before a stuck interface is a fault: 100,000 x 100 us = 10 s. */
#define REFUSALS_MAX 100000
#define REFUSED_NS   100000

struct sent {
	uint64_t packets;
	uint64_t bytes;
	uint64_t refusals;
};

static void fail(const char *what)
{
	fprintf(stderr, "send-frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void rest(long ns)
{
	struct timespec pause = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};

	while (nanosleep(&pause, &pause) && errno == EINTR)
		;
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Rests when more than a millisecond ahead of the rate: shorter rests take longer than asked for.
 */
static void keep_rate(long start_ns, uint64_t packets, long rate)
{
	long due_ns = start_ns + (long)(packets * 1000000000ULL / (uint64_t)rate);
	long ahead_ns = due_ns - now_ns();

	if (ahead_ns > 1000000)
		rest(ahead_ns);
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd, on = 1;

	if (!address.sll_ifindex)
		fail(interface);
	/* Protocol 0: it receives nothing. */
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		fail("socket");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("bind");
	/* Past the queueing discipline: the driver's verdict on each frame comes back to
	 * us, and the transmit queue is that of the CPU we run on. */
	if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		fail("PACKET_QDISC_BYPASS");
	return fd;
}

static void send_frame(int fd, const uint8_t *frame, uint32_t length, struct sent *sent)
{
	for (int refusals = 0; refusals < REFUSALS_MAX; refusals++) {
		ssize_t n = send(fd, frame, length, 0);

		if (n == (ssize_t)length) {
			sent->packets++;
			sent->bytes += length;
			return;
		}
		if (n >= 0) {
			errno = EIO;
			fail("a frame was sent in part");
		}
		if (errno == EINTR)
			continue;
		if (errno != ENOBUFS && errno != EAGAIN)
			fail("send");
		sent->refusals++;
		/* The receiver may need this very CPU. */
		if (refusals < 100)
			sched_yield();
		else
			rest(REFUSED_NS);
	}
	fail("the interface takes no more frames");
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

int main(int argc, char **argv)
{
	struct sent sent = {};
	struct stat status;
	const uint8_t *file;
	long repeat, cpu, pause_ns, rate, start_ns;
	int fd;

	if (argc != 7) {
		fprintf(stderr, "usage: send-frames INTERFACE FILE REPEAT CPU PAUSE_NS RATE\n");
		return 2;
	}
	repeat = atol(argv[3]);
	cpu = atol(argv[4]);
	pause_ns = atol(argv[5]);
	rate = atol(argv[6]);
	fd = open(argv[2], O_RDONLY);
	if (fd < 0 || fstat(fd, &status))
		fail(argv[2]);
	file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		fail("mmap");
	if (status.st_size < PCAP_HEADER || word(file) != PCAP_MAGIC) {
		errno = EINVAL;
		fail(argv[2]);
	}
	if (cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			fail("sched_setaffinity");
	}
	fd = open_socket(argv[1]);
	start_ns = now_ns();
	for (long round = 0; round < repeat; round++) {
		off_t at = PCAP_HEADER;

		while (at + PCAP_RECORD <= status.st_size) {
			uint32_t length = word(file + at + 8);

			if (at + PCAP_RECORD + length > status.st_size)
				break;
			send_frame(fd, file + at + PCAP_RECORD, length, &sent);
			at += PCAP_RECORD + length;
			if (pause_ns > 0)
				rest(pause_ns);
			if (rate > 0)
				keep_rate(start_ns, sent.packets, rate);
		}
		if (at != status.st_size) {
			errno = EINVAL;
			fail("the file is cut off");
		}
	}
	printf("{\"packets\":%llu,\"bytes\":%llu,\"refusals\":%llu}\n",
	       (unsigned long long)sent.packets, (unsigned long long)sent.bytes,
	       (unsigned long long)sent.refusals);
	return 0;
}
