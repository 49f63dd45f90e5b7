/*
 * zip_tree.h - R11: all paths of an archive, implied folders included, as a tree in which a name may stand for one
 * thing only, also after NFKC and full case folding.
 *
 * A node is one folded component below a parent. Nothing folded is kept: a node remembers the raw component it came
 * from, and whoever arrives at the same node from other raw bytes is the collision that is looked for.
 */
#ifndef ARCHIVE_ZIP_TREE_H
#define ARCHIVE_ZIP_TREE_H

#include "zip_name.h"

struct zip_tree_node;

struct zip_tree {
	struct zip_tree_node *nodes; /* node 0 is the root */
	uint32_t node_count, node_cap;
	uint32_t *slots; /* hash table of node numbers, 0 is empty; open addressing, at most half full */
	uint32_t slot_count;
	uint64_t key; /* of the hash, random, so that nobody can prepare collisions */
	struct zip_folded folded, other;
};

int zip_tree_init(struct zip_tree *tree, uint32_t expected_nodes);
void zip_tree_done(struct zip_tree *tree);

/* Adds an entry that passed R10. name stays in place as long as the tree. -EBADMSG: R11. */
int zip_tree_add(struct zip_tree *tree, const char *name, size_t len, bool is_directory, struct zip_refusal *refusal);

#endif
