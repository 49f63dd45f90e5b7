/*
 * view.h - the directory tree of an artifact: its entries and the folders they imply, in one array.
 *
 * Nodes stand in depth-first order of their names, so the same archive gives every entry the same index; node 0 is the
 * root.
 */
#ifndef SLOTS_VIEW_H
#define SLOTS_VIEW_H

#include "archive/zip.h"
#include "base/buf.h"
#include "base/limits.h"

struct view_node {
	const char *name; /* one component, in the archive's pool; not NUL-terminated */
	uint16_t name_len;
	bool is_directory;
	uint32_t parent;
	uint32_t first_child; /* into struct view.children */
	uint32_t child_count;
	const struct zip_entry *entry; /* NULL for implied folders */
};

struct view {
	struct zip_archive *archive;
	struct view_node *nodes;
	uint32_t node_count;
	uint32_t *children; /* node numbers, grouped by folder, sorted by name */
};

/* Takes over archive (on success). 0 or -ENOMEM. */
int view_new(struct zip_archive *archive, struct view **ret);
void view_free(struct view *view);

/* False: there is no such child. */
bool view_find(const struct view *view, uint32_t folder, const char *name, uint32_t *ret);
/* The order of the children of a folder: below, at or above 0, as memcmp. */
int view_compare_name(const char *name, size_t len, const struct view_node *node);
/* Appends the path of a node, from the root. */
int view_print_path(const struct view *view, uint32_t node, struct buf *ret);

#endif
