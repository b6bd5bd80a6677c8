/* SPDX-License-Identifier: Apache-2.0
 *
 * What the senders of frames share: a socket that loses nothing, a rate that is kept on
 * average, and an end that still tells what was sent. For tests only.
 */
#ifndef FRAME_SOCKET_H
#define FRAME_SOCKET_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Refusals in a row before a stuck interface is a fault: 100,000 x 100 us = 10 s. */
#define REFUSALS_MAX 100000
#define REFUSED_NS   100000

struct sent {
	uint64_t packets;
	uint64_t bytes;
	uint64_t refusals;
};

static volatile sig_atomic_t is_ending;

static void fail(const char *what)
{
	fprintf(stderr, "sender: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void end_soon(int number)
{
	(void)number;
	is_ending = 1;
}

/* SIGTERM ends the sending between two frames, not the program: what was sent is printed. */
static void end_on_signal(void)
{
	struct sigaction action = {.sa_handler = end_soon};

	if (sigaction(SIGTERM, &action, NULL))
		fail("sigaction");
}

static void rest(long ns)
{
	struct timespec pause = {.tv_sec = ns / 1000000000L, .tv_nsec = ns % 1000000000L};

	while (nanosleep(&pause, &pause) && errno == EINTR && !is_ending)
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
static inline void keep_rate(long start_ns, uint64_t packets, long rate)
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

#endif
