// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a loaded program once for each of many flows. A process of its own, so that the
 * garbage of so many calls is not in the one that is measured.
 *
 * make-flows PROGRAM_FD FLOWS ADDRESS_OFFSET FRAME_HEX
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#define FRAME_BYTES_MAX 256
#define FIRST_ADDRESS	0x0a000000

int main(int argc, char **argv)
{
	unsigned char frame[FRAME_BYTES_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = 1);
	unsigned int flows, address_offset;

	if (argc != 5) {
		fprintf(stderr, "usage: make-flows PROGRAM_FD FLOWS ADDRESS_OFFSET FRAME_HEX\n");
		return 2;
	}
	flows = atoi(argv[2]);
	address_offset = atoi(argv[3]);
	options.data_size_in = strlen(argv[4]) / 2;
	if (options.data_size_in > sizeof(frame) || address_offset + 4 > options.data_size_in) {
		fprintf(stderr, "make-flows: a frame of %u bytes, an address at %u\n",
			options.data_size_in, address_offset);
		return 2;
	}
	for (unsigned int i = 0; i < options.data_size_in; i++)
		if (sscanf(argv[4] + 2 * i, "%2hhx", &frame[i]) != 1)
			return 2;
	for (unsigned int flow = 0; flow < flows; flow++) {
		unsigned int address = htonl(FIRST_ADDRESS + flow);

		memcpy(frame + address_offset, &address, sizeof(address));
		if (bpf_prog_test_run_opts(atoi(argv[1]), &options)) {
			fprintf(stderr, "make-flows: %s\n", strerror(errno));
			return 1;
		}
	}
	return 0;
}
