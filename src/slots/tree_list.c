/* What a directory held when it was opened: 24 bytes an entry and its name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slots/tree.h"

struct tree_list_entry {
	uint64_t node;
	size_t name_at; /* in names */
	mode_t mode;
};

int tree_list_add(struct tree_list *list, const char *name, const struct slots_attr *attr)
{
	if ((list->count & (list->count - 1)) == 0) { /* full at every power of two */
		size_t room = list->count ? 2 * list->count : 4;
		struct tree_list_entry *more = reallocarray(list->entries, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->entries = more;
	}
	size_t name_at = list->names.len;
	int r = buf_append(&list->names, name, strlen(name) + 1);
	if (r == 0)
		list->entries[list->count++] =
			(struct tree_list_entry){.node = attr->node, .name_at = name_at, .mode = attr->mode};
	return r;
}

const char *tree_list_name(const struct tree_list *list, size_t index)
{
	return list->names.data + list->entries[index].name_at;
}

int tree_list_get(const struct tree_list *list, uint64_t offset, struct slots_dirent *ret)
{
	if (offset >= list->count)
		return 0;
	const struct tree_list_entry *entry = &list->entries[offset];
	const char *name = tree_list_name(list, offset);
	ret->next_offset = offset + 1;
	ret->attr = (struct slots_attr){.node = entry->node, .mode = entry->mode};
	memcpy(ret->name, name, strlen(name) + 1);
	return 1;
}

void tree_list_done(struct tree_list *list)
{
	free(list->entries);
	buf_done(&list->names);
}
