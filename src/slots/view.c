#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Orders names so that a folder comes right before what it holds: '/' sorts below every other byte. */
static int compare_names(const void *a, const void *b)
{
	const struct zip_entry *x = *(const struct zip_entry *const *)a, *y = *(const struct zip_entry *const *)b;
	size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
	for (size_t i = 0; i < len; i++) {
		if (x->name[i] == y->name[i])
			continue;
		int p = x->name[i] == '/' ? 0 : (unsigned char)x->name[i];
		int q = y->name[i] == '/' ? 0 : (unsigned char)y->name[i];
		return p - q;
	}
	return (int)x->name_len - (int)y->name_len;
}

struct builder {
	struct view *view;
	size_t capacity;
	uint32_t path[LIMIT_ZIP_COMPONENTS + 1]; /* the folders above the last entry, root first */
	unsigned depth;				 /* of the last entry's folder */
};

static int add_node(struct builder *b, const char *name, size_t name_len, const struct zip_entry *entry,
		    bool is_directory)
{
	struct view *view = b->view;
	if (view->node_count == b->capacity) {
		size_t capacity = b->capacity ? 2 * b->capacity : 64;
		struct view_node *nodes = reallocarray(view->nodes, capacity, sizeof(*nodes));
		if (!nodes)
			return -ENOMEM;
		view->nodes = nodes;
		b->capacity = capacity;
	}
	view->nodes[view->node_count++] = (struct view_node){
		.name = name,
		.name_len = (uint16_t)name_len,
		.is_directory = is_directory,
		.parent = b->path[b->depth],
		.entry = entry,
	};
	if (view->node_count > 1)
		view->nodes[b->path[b->depth]].child_count++;
	return 0;
}

static bool is_component(const struct view_node *node, const char *name, size_t len)
{
	return node->name_len == len && memcmp(node->name, name, len) == 0;
}

/* Walks from the root along the entry's folders, adding those that are new. */
static int add_entry(struct builder *b, const struct zip_entry *entry)
{
	const char *at = entry->name, *end = entry->name + entry->name_len, *slash;
	unsigned open_depth = b->depth, depth = 0;

	while ((slash = memchr(at, '/', (size_t)(end - at))) != NULL) {
		size_t len = (size_t)(slash - at);
		bool same = depth < open_depth && is_component(&b->view->nodes[b->path[depth + 1]], at, len);
		if (!same) {
			open_depth = depth;
			b->depth = depth;
			int r = add_node(b, at, len, NULL, true);
			if (r < 0)
				return r;
			b->path[depth + 1] = b->view->node_count - 1;
		}
		depth++;
		at = slash + 1;
	}

	b->depth = depth;
	int r = add_node(b, at, (size_t)(end - at), entry, entry->kind == ZIP_ENTRY_DIRECTORY);
	if (r == 0 && entry->kind == ZIP_ENTRY_DIRECTORY) {
		ASSERT(depth < LIMIT_ZIP_COMPONENTS);
		b->path[depth + 1] = b->view->node_count - 1;
		b->depth = depth + 1;
	}
	return r;
}

/* Groups the children by folder; nodes come in order, so each group is sorted. */
static int group_children(struct view *view)
{
	view->children = calloc(view->node_count, sizeof(*view->children));
	if (!view->children)
		return -ENOMEM;

	uint32_t next = 0;
	for (uint32_t i = 0; i < view->node_count; i++) {
		view->nodes[i].first_child = next;
		next += view->nodes[i].child_count;
		view->nodes[i].child_count = 0;
	}
	for (uint32_t i = 1; i < view->node_count; i++) {
		struct view_node *folder = &view->nodes[view->nodes[i].parent];
		view->children[folder->first_child + folder->child_count++] = i;
	}
	return 0;
}

int view_new(struct zip_archive *archive, struct view **ret)
{
	struct view *view = calloc(1, sizeof(*view));
	const struct zip_entry **sorted = calloc(archive->entry_count + 1, sizeof(const struct zip_entry *));
	int r = -ENOMEM;
	if (!view || !sorted)
		goto out;

	for (size_t i = 0; i < archive->entry_count; i++)
		sorted[i] = &archive->entries[i];
	qsort(sorted, archive->entry_count, sizeof(const struct zip_entry *), compare_names);

	struct builder b = {.view = view};
	r = add_node(&b, "", 0, NULL, true);
	for (size_t i = 0; r == 0 && i < archive->entry_count; i++)
		r = add_entry(&b, sorted[i]);
	if (r == 0)
		r = group_children(view);
	if (r < 0)
		goto out;

	view->archive = archive;
	*ret = view;
	view = NULL;
out:
	free(sorted);
	view_free(view);
	return r;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	zip_close_archive(view->archive);
	free(view->nodes);
	free(view->children);
	free(view);
}

int view_compare_name(const char *name, size_t len, const struct view_node *node)
{
	size_t shorter = len < node->name_len ? len : node->name_len;
	int order = memcmp(name, node->name, shorter);
	return order != 0 ? order : (int)len - (int)node->name_len;
}

bool view_find(const struct view *view, uint32_t folder, const char *name, uint32_t *ret)
{
	const struct view_node *node = &view->nodes[folder];
	size_t len = strlen(name);
	uint32_t low = node->first_child, high = node->first_child + node->child_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = view_compare_name(name, len, &view->nodes[view->children[middle]]);
		if (order == 0) {
			*ret = view->children[middle];
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

int view_print_path(const struct view *view, uint32_t node, struct buf *ret)
{
	uint32_t path[LIMIT_ZIP_COMPONENTS + 1];
	size_t depth = 0;
	for (uint32_t at = node; at != 0; at = view->nodes[at].parent) {
		ASSERT(depth < ARRAY_SIZE(path));
		path[depth++] = at;
	}
	int r = 0;
	while (r == 0 && depth-- > 0) {
		const struct view_node *part = &view->nodes[path[depth]];
		r = buf_append(ret, part->name, part->name_len);
		if (r == 0 && depth > 0)
			r = buf_puts(ret, "/");
	}
	return r;
}
