/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the values of a map count packets and bytes, by their types (BTF): whatever their layout
 * is, the benches need not know it.
 */
#ifndef XTRACE_BENCH_COUNTS_H
#define XTRACE_BENCH_COUNTS_H

#include <stdbool.h>
#include <bpf/libbpf.h>

#define COUNT_FIELDS_MAX 64

struct count_field {
	__u32 offset;
	__u32 bytes;	     /* 4 or 8 */
	bool counts_packets; /* else bytes */
};

struct count_fields {
	__u32 length;
	struct count_field field[COUNT_FIELDS_MAX];
};

/* Finds all integers named `packets` or `bytes` in a map's value, however deep in structs and
 * arrays. None in a value of any other kind. */
void find_count_fields(const struct bpf_object *object, const struct bpf_map *map,
		       struct count_fields *fields);

/* Zeroes the counts of a value and leaves the rest; returns the packets. */
__u64 take_counts(const struct count_fields *fields, void *value);

#endif
