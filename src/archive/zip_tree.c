#include "zip_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define SLOTS_MIN 64U

struct zip_tree_node {
	const char *raw; /* the component, in its entry's name */
	uint64_t hash;
	uint32_t parent;
	uint16_t raw_len;
	uint16_t piece; /* which part of the folded component, where folding made slashes */
	bool is_entry;
	bool is_file;
	bool is_folder; /* something lies in it, or its entry is a directory */
};

/*
 * Polynomial in a random point modulo the prime 2^61 - 1: two different texts of n bytes collide with probability
 * n / 2^61, whoever chose them (Carter and Wegman, 1979).
 */
static uint64_t mulmod_p61(uint64_t a, uint64_t b)
{
	const uint64_t p61 = ((uint64_t)1 << 61) - 1;
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & p61) + (uint64_t)(product >> 61);
	return sum >= p61 ? sum - p61 : sum;
}

static uint64_t hash_piece(uint64_t key, uint32_t parent, const char *text, size_t len)
{
	uint64_t hash = mulmod_p61((uint64_t)parent + 1, key);
	for (size_t i = 0; i < len; i++)
		hash = mulmod_p61(hash + (unsigned char)text[i] + 1, key);
	return hash;
}

/* Part number `piece` of a folded component, cut at the slashes that folding made. False when there is none. */
static bool piece_of(const struct zip_folded *folded, unsigned piece, const char **ret, size_t *ret_len)
{
	const char *begin = folded->text, *end = folded->text + folded->len;
	for (;;) {
		const char *slash = memchr(begin, '/', (size_t)(end - begin));
		const char *stop = slash ? slash : end;
		if (piece == 0) {
			*ret = begin;
			*ret_len = (size_t)(stop - begin);
			return true;
		}
		if (!slash)
			return false;
		begin = slash + 1;
		piece--;
	}
}

static bool same_raw(const struct zip_tree_node *node, const struct zip_tree_node *wanted)
{
	return node->piece == wanted->piece && node->raw_len == wanted->raw_len &&
	       memcmp(node->raw, wanted->raw, wanted->raw_len) == 0;
}

/* Equal hashes of different bytes: fold again to be sure. */
static bool same_folded(struct zip_tree *tree, const struct zip_tree_node *node, const char *text, size_t len)
{
	const char *other;
	size_t other_len;
	zip_name_fold(node->raw, node->raw_len, &tree->other);
	return piece_of(&tree->other, node->piece, &other, &other_len) && other_len == len &&
	       memcmp(other, text, len) == 0;
}

static int grow_slots(struct zip_tree *tree)
{
	uint32_t slot_count = tree->slot_count * 2;
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t number = 1; number < tree->node_count; number++) {
		uint32_t at = (uint32_t)tree->nodes[number].hash & (slot_count - 1);
		while (slots[at] != 0)
			at = (at + 1) & (slot_count - 1);
		slots[at] = number;
	}
	free(tree->slots);
	tree->slots = slots;
	tree->slot_count = slot_count;
	return 0;
}

static int reserve_node(struct zip_tree *tree)
{
	if (tree->node_count >= tree->slot_count / 2) {
		int r = grow_slots(tree);
		if (r < 0)
			return r;
	}
	if (tree->node_count < tree->node_cap)
		return 0;
	if (tree->node_cap > UINT32_MAX / 4)
		return -ENOMEM;
	struct zip_tree_node *nodes = reallocarray(tree->nodes, (size_t)tree->node_cap * 2, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	tree->nodes = nodes;
	tree->node_cap *= 2;
	return 0;
}

/* Finds the node that text (folded) makes below wanted->parent, or adds wanted as that node. */
static int find_or_add(struct zip_tree *tree, struct zip_tree_node wanted, const char *text, size_t len,
		       uint32_t *ret_number)
{
	int r = reserve_node(tree);
	if (r < 0)
		return r;

	wanted.hash = hash_piece(tree->key, wanted.parent, text, len);
	uint32_t mask = tree->slot_count - 1, at = (uint32_t)wanted.hash & mask;
	for (; tree->slots[at] != 0; at = (at + 1) & mask) {
		const struct zip_tree_node *node = &tree->nodes[tree->slots[at]];
		if (node->hash == wanted.hash && node->parent == wanted.parent &&
		    (same_raw(node, &wanted) || same_folded(tree, node, text, len))) {
			*ret_number = tree->slots[at];
			return 0;
		}
	}
	tree->nodes[tree->node_count] = wanted;
	tree->slots[at] = tree->node_count;
	*ret_number = tree->node_count++;
	return 0;
}

int zip_tree_init(struct zip_tree *tree, uint32_t expected_nodes)
{
	*tree = (struct zip_tree){.node_count = 1, .node_cap = expected_nodes + 2, .slot_count = SLOTS_MIN};
	while (tree->slot_count / 2 < tree->node_cap)
		tree->slot_count *= 2;
	random_bytes(&tree->key, sizeof(tree->key));
	tree->key >>= 4; /* below 2^61 - 1 */
	tree->nodes = calloc(tree->node_cap, sizeof(*tree->nodes));
	tree->slots = calloc(tree->slot_count, sizeof(*tree->slots));
	if (tree->nodes && tree->slots)
		return 0;
	zip_tree_done(tree);
	return -ENOMEM;
}

void zip_tree_done(struct zip_tree *tree)
{
	free(tree->nodes);
	free(tree->slots);
	tree->nodes = NULL;
	tree->slots = NULL;
}

struct path {
	const char *name;
	size_t len;
	bool is_directory;
	struct zip_refusal *refusal;
};

static int refuse_path(const struct path *path, const char *problem)
{
	return zip_refuse_entry(path->refusal, ZIP_R11_DUPLICATE, REMEDY_RENAME, path->name, path->len, "%s", problem);
}

/* What the node becomes by being a folder on the path, or its end. */
static int mark(struct zip_tree_node *node, const struct path *path, bool is_end)
{
	if (is_end && node->is_entry)
		return refuse_path(path, "another entry has the same name");
	bool is_file = is_end && !path->is_directory;
	if ((is_file && node->is_folder) || (!is_file && node->is_file))
		return refuse_path(path, "a file and a folder have the same name");

	node->is_entry |= is_end;
	node->is_file |= is_file;
	node->is_folder |= !is_file;
	return 0;
}

/* Walks one raw component down from *parent; its folded form may be several pieces. */
static int add_component(struct zip_tree *tree, const struct path *path, const char *raw, size_t raw_len, bool is_end,
			 uint32_t *parent)
{
	zip_name_fold(raw, raw_len, &tree->folded);
	const char *text, *ignored;
	size_t len, ignored_len;
	for (unsigned piece = 0; piece_of(&tree->folded, piece, &text, &len); piece++) {
		struct zip_tree_node wanted = {
			.raw = raw, .raw_len = (uint16_t)raw_len, .parent = *parent, .piece = (uint16_t)piece};
		int r = find_or_add(tree, wanted, text, len, parent);
		if (r < 0)
			return r;
		struct zip_tree_node *node = &tree->nodes[*parent];
		if (!same_raw(node, &wanted))
			return refuse_path(path,
					   "another name differs from it only in case or in the form of characters");
		bool is_last = !piece_of(&tree->folded, piece + 1, &ignored, &ignored_len);
		r = mark(node, path, is_end && is_last);
		if (r < 0)
			return r;
	}
	return 0;
}

int zip_tree_add(struct zip_tree *tree, const char *name, size_t len, bool is_directory, struct zip_refusal *refusal)
{
	struct path path = {name, len, is_directory, refusal};
	uint32_t parent = 0;
	for (size_t begin = 0, end; begin <= len; begin = end + 1) {
		const char *slash = memchr(name + begin, '/', len - begin);
		end = slash ? (size_t)(slash - name) : len;
		int r = add_component(tree, &path, name + begin, end - begin, end == len, &parent);
		if (r < 0)
			return r;
	}
	return 0;
}
