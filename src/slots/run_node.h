/*
 * run_node.h - node ids of the run side: deterministic, never reused.
 *
 *     1                          the root
 *     2                          /.releases
 *     <id> << 24 | 0             /.releases/<function>, id is the slot's
 *     <id> << 24 | index         something of a release, id is the release's (store_next_id gives both, so they differ)
 *     <id> << 24 | 1 << 23 | k   a folder of the release's opt/, where layers are merged; k counts from 1
 *
 * A file below opt/ is the layer version's own node: its id, and RUN_INDEX_TASK + the entry in the layer's view. So it
 * is one inode in every function that has the layer, and its pages are cached once. Folders are the release's, so that
 * a release that is blocked shows none.
 */
#ifndef SLOTS_RUN_NODE_H
#define SLOTS_RUN_NODE_H

#include "base/base.h"

#define RUN_NODE_RELEASES    2
#define RUN_NODE_INDEX_BITS  24
#define RUN_INDEX_OPT_FOLDER (1U << 23)

enum run_index {
	RUN_INDEX_DIR = 0, /* the slot's directory, or the release's */
	RUN_INDEX_LINK,	   /* the symlink /<function> */
	RUN_INDEX_OPT,
	RUN_INDEX_CODE,
	RUN_INDEX_JSON,
	RUN_INDEX_TASK, /* the view's root; its entries follow */
};

/* Entries of a view; an archive of LIMIT_ZIP_ENTRIES names of LIMIT_ZIP_COMPONENTS has room below opt/'s folders. */
static inline bool run_index_is_task(uint32_t index)
{
	return index >= RUN_INDEX_TASK && index < RUN_INDEX_OPT_FOLDER;
}

/* opt/ and the folders below it. */
static inline bool run_index_is_opt(uint32_t index)
{
	return index == RUN_INDEX_OPT || index > RUN_INDEX_OPT_FOLDER;
}

static inline uint32_t run_index_of_folder(uint32_t folder)
{
	return folder == 0 ? RUN_INDEX_OPT : RUN_INDEX_OPT_FOLDER + folder;
}

static inline uint64_t run_node(uint64_t id, uint32_t index)
{
	return id << RUN_NODE_INDEX_BITS | index;
}

static inline uint64_t run_node_id(uint64_t node)
{
	return node >> RUN_NODE_INDEX_BITS;
}

static inline uint32_t run_node_index(uint64_t node)
{
	return (uint32_t)(node & ((1U << RUN_NODE_INDEX_BITS) - 1));
}

#endif
