// SPDX-License-Identifier: Apache-2.0
/*
 * Loads each XDP program of an object by itself, as often as asked, and prints what the
 * verifier had to do for it, as JSON. Called by bench/verifier.ts.
 *
 * verifier ROUNDS SLOTS_PER_CPU flow.o...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "cpu.h"
#include "subject.h"

#define LOG_BYTES	65536
#define LOG_STATISTICS	4 /* BPF_LOG_STATS in kernel/bpf: a few lines in the end */
#define PROGRAMS_AT_ALL 32
#define NAME_BYTES	64

/* Microseconds that the verifier says it took; 0 where it says nothing. */
static unsigned long verification_us(const char *log)
{
	static const char TOLD[] = "verification time ";
	const char *found = strstr(log, TOLD);

	return found ? strtoul(found + strlen(TOLD), NULL, 10) : 0;
}

/* Loads one program and prints it. */
static void measure(const char *path, const char *name, __u32 slots_per_cpu, const char *comma)
{
	static char log[LOG_BYTES];
	struct bpf_prog_info info = {};
	__u32 info_bytes = sizeof(info);
	struct subject subject = {};
	struct bpf_program *program = open_subject(&subject, path, name, slots_per_cpu);
	double start_ns, load_ns;

	bpf_program__set_log_level(program, LOG_STATISTICS);
	bpf_program__set_log_buf(program, log, sizeof(log));
	start_ns = cpu_time_ns();
	if (bpf_object__load(subject.object))
		fail("load %s of %s: %s", name, path, strerror(errno));
	load_ns = cpu_time_ns() - start_ns;
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &info_bytes))
		fail("information on %s: %s", name, strerror(errno));
	printf("%s\n{\"object\":\"%s\",\"program\":\"%s\",\"instructions\":%u,"
	       "\"verifiedInstructions\":%u,\"jitedBytes\":%u,\"verificationUs\":%lu,"
	       "\"loadMs\":%.2f}",
	       comma, path, name, info.xlated_prog_len / 8, info.verified_insns,
	       info.jited_prog_len, verification_us(log), load_ns / 1e6);
	bpf_object__close(subject.object);
}

/* The names of an object's programs; returns how many. */
static int list_programs(const char *path, char names[][NAME_BYTES])
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int count = 0;

	if (!object)
		fail("open %s: %s", path, strerror(errno));
	bpf_object__for_each_program(program, object)
	{
		if (count == PROGRAMS_AT_ALL)
			fail("%s has more than %d programs", path, PROGRAMS_AT_ALL);
		snprintf(names[count++], NAME_BYTES, "%s", bpf_program__name(program));
	}
	bpf_object__close(object);
	return count;
}

int main(int argc, char **argv)
{
	int rounds = argc > 3 ? atoi(argv[1]) : 0, slots_per_cpu = argc > 3 ? atoi(argv[2]) : 0;
	char names[PROGRAMS_AT_ALL][NAME_BYTES];
	const char *comma = "";

	if (rounds < 1 || slots_per_cpu < 1)
		fail("usage: verifier ROUNDS SLOTS_PER_CPU flow.o...");
	printf("[");
	for (int round = 0; round < rounds; round++)
		for (int path = 3; path < argc; path++) {
			int count = list_programs(argv[path], names);

			for (int i = 0; i < count; i++) {
				measure(argv[path], names[i], slots_per_cpu, comma);
				comma = ",";
			}
		}
	printf("\n]\n");
	return 0;
}
