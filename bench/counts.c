// SPDX-License-Identifier: Apache-2.0
/*
 * Walks the types of map values.
 */
#include <string.h>
#include <bpf/btf.h>
#include "counts.h"
#include "subject.h"

static void add_field(struct count_fields *fields, __u32 offset, __u32 bytes, bool counts_packets)
{
	if (fields->length == COUNT_FIELDS_MAX)
		fail("a value of more than %d counts", COUNT_FIELDS_MAX);
	if (bytes != 4 && bytes != 8)
		fail("a count of %u bytes", bytes);
	fields->field[fields->length++] = (struct count_field){
		.offset = offset,
		.bytes = bytes,
		.counts_packets = counts_packets,
	};
}

/* name: of the member that has this type. */
static void walk(const struct btf *btf, int id, const char *name, __u32 offset,
		 struct count_fields *fields)
{
	const struct btf_type *type = btf__type_by_id(btf, btf__resolve_type(btf, id));

	if (!type)
		return;
	if (btf_is_array(type)) {
		const struct btf_array *array = btf_array(type);
		__u32 bytes = btf__resolve_size(btf, array->type);

		for (__u32 i = 0; i < array->nelems; i++)
			walk(btf, array->type, "", offset + i * bytes, fields);
	} else if (btf_is_struct(type)) {
		for (int i = 0; i < btf_vlen(type); i++) {
			const struct btf_member *member = btf_members(type) + i;

			walk(btf, member->type, btf__name_by_offset(btf, member->name_off),
			     offset + btf_member_bit_offset(type, i) / 8, fields);
		}
	} else if (btf_is_int(type)) {
		if (!strcmp(name, "packets"))
			add_field(fields, offset, type->size, true);
		else if (!strcmp(name, "bytes"))
			add_field(fields, offset, type->size, false);
	}
}

void find_count_fields(const struct bpf_object *object, const struct bpf_map *map,
		       struct count_fields *fields)
{
	fields->length = 0;
	walk(bpf_object__btf(object), bpf_map__btf_value_type_id(map), "", 0, fields);
}

__u64 take_counts(const struct count_fields *fields, void *value)
{
	__u64 packets = 0;

	for (__u32 i = 0; i < fields->length; i++) {
		const struct count_field *field = &fields->field[i];
		__u64 count = 0;

		memcpy(&count, (char *)value + field->offset, field->bytes);
		memset((char *)value + field->offset, 0, field->bytes);
		if (field->counts_packets)
			packets += count;
	}
	return packets;
}
