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
 * SIGTERM ends it early, and it prints what was sent by then.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame-socket.h"

#define PCAP_HEADER 24
#define PCAP_RECORD 16
#define PCAP_MAGIC  0xa1b2c3d4
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
	end_on_signal();
	start_ns = now_ns();
	for (long round = 0; round < repeat && !is_ending; round++) {
		off_t at = PCAP_HEADER;

		while (at + PCAP_RECORD <= status.st_size && !is_ending) {
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
		if (at != status.st_size && !is_ending) {
			errno = EINVAL;
			fail("the file is cut off");
		}
	}
	printf("{\"packets\":%llu,\"bytes\":%llu,\"refusals\":%llu}\n",
	       (unsigned long long)sent.packets, (unsigned long long)sent.bytes,
	       (unsigned long long)sent.refusals);
	return 0;
}
