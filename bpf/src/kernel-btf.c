// SPDX-License-Identifier: MIT
#include "kernel-btf.h"

#include <stdio.h>
#include <string.h>

static const struct btf_type *past_qualifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* Whether parameter `place` points to `struct name`. */
static bool points_to(const struct btf *btf, const struct btf_param *parameter, const char *name)
{
	const struct btf_type *type = past_qualifiers(btf, parameter->type);

	if (!type || !btf_is_ptr(type))
		return false;
	type = past_qualifiers(btf, type->type);
	return type && btf_is_struct(type) && strcmp(btf__name_by_offset(btf, type->name_off), name) == 0;
}

static bool is_pointer(const struct btf *btf, const struct btf_param *parameter)
{
	const struct btf_type *type = past_qualifiers(btf, parameter->type);

	return type && btf_is_ptr(type);
}

bool kernel_has(const struct btf *btf, const struct variant *variant, bool *exists)
{
	char name[128];

	snprintf(name, sizeof(name), "btf_trace_%s", variant->tracepoint);
	const struct btf_type *type = btf__type_by_id(btf, btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF));
	if (!type || !btf_is_typedef(type))
		return false;
	*exists = true;
	type = btf__type_by_id(btf, type->type);
	type = type && btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	if (!type || !btf_is_func_proto(type))
		return false;
	/* the first is the tracepoint's own context */
	const struct btf_param *parameters = btf_params(type) + 1;
	int count = btf_vlen(type) - 1;
	switch (variant->shape) {
	case SHAPE_ANY:
		return true;
	case SHAPE_REQUEST_FIRST:
		return count >= 1 && points_to(btf, &parameters[0], "io_kiocb");
	case SHAPE_REQUEST_SECOND:
		return count >= 2 && !points_to(btf, &parameters[0], "io_kiocb") && is_pointer(btf, &parameters[1]);
	case SHAPE_ENTRY_THIRD:
		return count == 3 && points_to(btf, &parameters[2], "io_uring_cqe");
	case SHAPE_RESULT_FOURTH:
		return count >= 5 && is_pointer(btf, &parameters[1]);
	case SHAPE_NUMBERS:
		return count >= 4 && !is_pointer(btf, &parameters[1]);
	case SHAPE_TWO:
		return count == 2 && is_pointer(btf, &parameters[1]) && !points_to(btf, &parameters[1], "io_kiocb");
	case SHAPE_THREE:
		return count == 3;
	case SHAPE_BYTE_THIRD:
		return count >= 3 && is_pointer(btf, &parameters[1]) && btf__resolve_size(btf, parameters[2].type) == 1;
	case SHAPE_REQUEST_THIRD:
		return count >= 3 && !is_pointer(btf, &parameters[1]) && is_pointer(btf, &parameters[2]);
	case SHAPE_FIVE_NUMBERS:
		return count == 5 && !is_pointer(btf, &parameters[1]);
	case SHAPE_SIX_NUMBERS:
		return count == 6 && !is_pointer(btf, &parameters[1]);
	case SHAPE_NUMBER_FOURTH:
		return count == 4 && is_pointer(btf, &parameters[1]) && is_pointer(btf, &parameters[2]);
	}
	return false;
}

int64_t kernel_enumerator(const struct btf *btf, const char *name, int64_t otherwise)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		if (!btf_is_enum(type))
			continue;
		const struct btf_enum *values = btf_enum(type);
		for (int i = 0; i < btf_vlen(type); i++)
			if (strcmp(btf__name_by_offset(btf, values[i].name_off), name) == 0)
				return values[i].val;
	}
	return otherwise;
}
