/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a bench runs, and what that takes.
 */
#ifndef XTRACE_BENCH_CPU_H
#define XTRACE_BENCH_CPU_H

#ifndef _GNU_SOURCE
#error "sched_setaffinity() wants _GNU_SOURCE before any header"
#endif
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "subject.h"

/* The calling thread and its children from now on. */
static inline void pin_to_last_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity: %s", strerror(errno));
}

/* Of the calling thread: what others on the machine take is not ours. */
static inline double cpu_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

#endif
