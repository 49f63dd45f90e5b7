/*
 * run_node.h - node ids of the run side: deterministic, never reused.
 *
 *     1                          the root
 *     2                          /.releases
 *     <id> << 24 | 0             /.releases/<function>, id is the slot's
 *     <id> << 24 | index         something of a release, id is the release's (store_next_id gives both, so they differ)
 */
#ifndef SLOTS_RUN_NODE_H
#define SLOTS_RUN_NODE_H

#include "base/base.h"

#define RUN_NODE_RELEASES   2
#define RUN_NODE_INDEX_BITS 24

enum run_index {
	RUN_INDEX_DIR = 0, /* the slot's directory, or the release's */
	RUN_INDEX_LINK,	   /* the symlink /<function> */
	RUN_INDEX_OPT,
	RUN_INDEX_CODE,
	RUN_INDEX_JSON,
	RUN_INDEX_TASK, /* the view's root; its entries follow */
};

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
