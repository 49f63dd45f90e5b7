#include "opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_NODE UINT32_MAX

/* The folders of each layer that are one in the merged tree. */
struct sources {
	uint32_t node[LIMIT_LAYERS]; /* NO_NODE: the layer has none, or it is hidden */
};

struct merging {
	struct opt *opt;
	struct sources *sources; /* of each folder */
	uint32_t folder_max;
};

/* Those of one name: what each layer has. */
struct heads {
	const struct view_node *least;
	uint32_t node[LIMIT_LAYERS];
};

struct cursor {
	uint32_t next, end; /* into the view's children */
};

static const struct view_node *node_of(const struct opt *opt, size_t layer, uint32_t node)
{
	return &opt->views[layer]->nodes[node];
}

/* A folder's nodes stand right behind it. */
static uint32_t count_files(const struct view *view, uint32_t node)
{
	uint32_t count = !view->nodes[node].is_directory;
	for (uint32_t i = node + 1; i < view->node_count && view->nodes[i].parent >= node; i++)
		count += !view->nodes[i].is_directory;
	return count;
}

static void hide(struct opt *opt, size_t layer, uint32_t node, size_t by)
{
	uint32_t files = count_files(opt->views[layer], node);
	if (opt->hidden_count < OPT_HIDDEN_SHOWN)
		opt->hidden[opt->hidden_count] = (struct opt_hidden){
			.layer = (uint32_t)layer, .node = node, .by = (uint32_t)by, .file_count = files};
	opt->hidden_count++;
	opt->hidden_file_count += files;
}

static size_t highest(const struct opt *opt, const struct heads *heads)
{
	size_t layer = opt->view_count;
	while (heads->node[--layer] == NO_NODE)
		ASSERT(layer > 0);
	return layer;
}

static int add_folder(struct merging *m, const struct sources *sources, uint32_t *ret)
{
	struct opt *opt = m->opt;
	if (opt->folder_count == m->folder_max)
		return -E2BIG;
	struct opt_folder folder = {0};
	for (size_t layer = opt->view_count; !folder.entry && layer-- > 0;)
		if (sources->node[layer] != NO_NODE)
			folder.entry = node_of(opt, layer, sources->node[layer])->entry;
	m->sources[opt->folder_count] = *sources;
	opt->folders[opt->folder_count] = folder;
	*ret = opt->folder_count++;
	return 0;
}

static void merge_file(struct opt *opt, const struct heads *heads, size_t top)
{
	for (size_t layer = top; layer-- > 0;) {
		uint32_t node = heads->node[layer];
		if (node == NO_NODE)
			continue;
		if (node_of(opt, layer, node)->is_directory)
			hide(opt, layer, node, top);
		else
			opt->replaced_count++;
	}
}

/* Folders down to the first file: that one had hidden what lies below it, before it was hidden itself. */
static int merge_folders(struct merging *m, const struct heads *heads, size_t top, uint32_t *ret)
{
	struct sources sources;
	bool is_open = true;
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		sources.node[i] = NO_NODE;
	for (size_t layer = top + 1; layer-- > 0;) {
		uint32_t node = heads->node[layer];
		if (node == NO_NODE)
			continue;
		is_open = is_open && node_of(m->opt, layer, node)->is_directory;
		if (is_open)
			sources.node[layer] = node;
		else
			hide(m->opt, layer, node, top);
	}
	return add_folder(m, &sources, ret);
}

static int merge_heads(struct merging *m, const struct heads *heads)
{
	struct opt *opt = m->opt;
	size_t top = highest(opt, heads);
	struct opt_entry entry = {.node = heads->node[top], .layer = (uint32_t)top};
	int r = 0;
	if (node_of(opt, top, entry.node)->is_directory)
		r = merge_folders(m, heads, top, &entry.folder);
	else
		merge_file(opt, heads, top);
	if (r == 0)
		opt->entries[opt->entry_count++] = entry;
	return r;
}

/* Takes the least name that is left from all layers that have it; false: none is left. */
static bool next_heads(const struct opt *opt, struct cursor *cursors, struct heads *ret)
{
	struct heads heads = {0};
	bool has[LIMIT_LAYERS] = {false};
	for (size_t layer = 0; layer < opt->view_count; layer++) {
		const struct view *view = opt->views[layer];
		if (cursors[layer].next == cursors[layer].end)
			continue;
		const struct view_node *node = &view->nodes[view->children[cursors[layer].next]];
		int order = heads.least ? view_compare_name(node->name, node->name_len, heads.least) : -1;
		if (order < 0) {
			memset(has, 0, sizeof(has));
			heads.least = node;
		}
		has[layer] = order <= 0;
	}
	for (size_t layer = 0; layer < LIMIT_LAYERS; layer++)
		heads.node[layer] = has[layer] ? opt->views[layer]->children[cursors[layer].next++] : NO_NODE;
	*ret = heads;
	return heads.least != NULL;
}

static int merge_folder(struct merging *m, uint32_t number)
{
	struct opt *opt = m->opt;
	struct cursor cursors[LIMIT_LAYERS] = {0};
	for (size_t layer = 0; layer < opt->view_count; layer++) {
		uint32_t source = m->sources[number].node[layer];
		if (source == NO_NODE)
			continue;
		const struct view_node *folder = node_of(opt, layer, source);
		cursors[layer] = (struct cursor){folder->first_child, folder->first_child + folder->child_count};
	}

	struct heads heads;
	int r = 0;
	opt->folders[number].first_entry = opt->entry_count;
	while (r == 0 && next_heads(opt, cursors, &heads))
		r = merge_heads(m, &heads);
	opt->folders[number].entry_count = opt->entry_count - opt->folders[number].first_entry;
	return r;
}

/* Room for the case that the layers have nothing in common; pages that are never touched cost nothing. */
static int reserve(struct merging *m, uint32_t folders_max)
{
	struct opt *opt = m->opt;
	size_t entries = 1, folders = 1;
	for (size_t layer = 0; layer < opt->view_count; layer++) {
		const struct view *view = opt->views[layer];
		entries += view->node_count;
		for (uint32_t i = 0; i < view->node_count; i++)
			folders += view->nodes[i].is_directory;
	}
	m->folder_max = folders < folders_max ? (uint32_t)folders : folders_max;
	opt->entries = calloc(entries, sizeof(*opt->entries));
	opt->folders = calloc(m->folder_max, sizeof(*opt->folders));
	m->sources = calloc(m->folder_max, sizeof(*m->sources));
	return opt->entries && opt->folders && m->sources ? 0 : -ENOMEM;
}

/* Gives back what was reserved in vain. */
static void trim(struct opt *opt)
{
	void *folders = reallocarray(opt->folders, opt->folder_count, sizeof(*opt->folders));
	void *entries = reallocarray(opt->entries, opt->entry_count + 1, sizeof(*opt->entries));
	opt->folders = folders ? folders : opt->folders;
	opt->entries = entries ? entries : opt->entries;
}

int opt_new(const struct view *const *views, size_t view_count, uint32_t folders_max, struct opt **ret)
{
	struct opt *opt = calloc(1, sizeof(*opt));
	struct merging m = {.opt = opt};
	struct sources roots;
	int r = -ENOMEM;
	if (!opt)
		goto out;
	ASSERT(view_count <= LIMIT_LAYERS && folders_max <= OPT_FOLDERS_MAX);
	opt->view_count = view_count;
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		roots.node[i] = i < view_count ? 0 : NO_NODE;
	for (size_t i = 0; i < view_count; i++)
		opt->views[i] = views[i];

	uint32_t root;
	r = reserve(&m, folders_max);
	if (r == 0)
		r = add_folder(&m, &roots, &root);
	for (uint32_t i = 0; r == 0 && i < opt->folder_count; i++)
		r = merge_folder(&m, i);
	if (r < 0)
		goto out;
	trim(opt);
	*ret = opt;
	opt = NULL;
out:
	free(m.sources);
	opt_free(opt);
	return r;
}

void opt_free(struct opt *opt)
{
	if (!opt)
		return;
	free(opt->folders);
	free(opt->entries);
	free(opt);
}

const struct opt_entry *opt_find(const struct opt *opt, uint32_t folder, const char *name)
{
	size_t len = strlen(name);
	uint32_t low = opt->folders[folder].first_entry, high = low + opt->folders[folder].entry_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = view_compare_name(name, len, opt_node(opt, &opt->entries[middle]));
		if (order == 0)
			return &opt->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
