/*
 * opt.h - the tree below a release's opt/: the views of its layers, merged.
 *
 * It is what unpacking the layers one after the other into one folder would leave: folders are merged, a later file
 * takes the place of an earlier one, and where one layer has a file and a later one a folder of that name, or the
 * reverse, the later one wins wholly.
 *
 * Folders are numbered breadth-first and each one's entries stand in order of their names, so the same layers give
 * every folder the same number. Folder 0 is opt/ itself.
 */
#ifndef SLOTS_OPT_H
#define SLOTS_OPT_H

#include "view.h"

#define OPT_FOLDERS_MAX	 (1U << 23) /* what a node id has room for (run_node.h) */
#define OPT_HIDDEN_SHOWN 8

struct opt_entry {
	uint32_t node;	 /* in the view of its layer; of a folder, in that of the highest layer that has it */
	uint32_t layer;	 /* index into views */
	uint32_t folder; /* its number; 0: a file */
};

struct opt_folder {
	uint32_t first_entry; /* into struct opt.entries */
	uint32_t entry_count;
	const struct zip_entry *entry; /* of the highest layer that lists it as such; NULL: implied in all */
};

/* What a later layer hides because it has a file where this is a folder, or the reverse. */
struct opt_hidden {
	uint32_t layer, node;
	uint32_t by; /* layer */
	uint32_t file_count;
};

/* Immutable. */
struct opt {
	const struct view *views[LIMIT_LAYERS]; /* lowest first; they outlive this */
	size_t view_count;
	struct opt_folder *folders;
	uint32_t folder_count;
	struct opt_entry *entries;
	uint32_t entry_count;
	uint32_t replaced_count; /* files that a later layer's file takes the place of */
	uint32_t hidden_count;	 /* conflicts of a file and a folder */
	uint64_t hidden_file_count;
	struct opt_hidden hidden[OPT_HIDDEN_SHOWN]; /* the first of them */
};

/* 0; -ENOMEM; -E2BIG: more than folders_max, at most OPT_FOLDERS_MAX. No view at all gives an empty folder. */
int opt_new(const struct view *const *views, size_t view_count, uint32_t folders_max, struct opt **ret);
void opt_free(struct opt *opt);

/* NULL: there is no such entry. */
const struct opt_entry *opt_find(const struct opt *opt, uint32_t folder, const char *name);

static inline const struct view_node *opt_node(const struct opt *opt, const struct opt_entry *entry)
{
	return &opt->views[entry->layer]->nodes[entry->node];
}

#endif
