/*
 * tree_memory.h - what a tree leaves to the daemon that takes over its FUSE connection, in a memfd that outlives it.
 *
 * Node ids that the kernel knows go on meaning what they meant: slots keep their indexes, by their names in the memory;
 * what is only in a daemon's own memory has node ids with its incarnation in them, and is -ESTALE for the next one, on
 * which the kernel looks the path up anew.
 *
 * The memory is a head and, by index, an entry for each slot:
 *
 *     head    magic, incarnation that wrote it, index of the first entry, how often the connection was taken over
 *     entry   "touched": the kernel may know what is in the slot, or was not told yet of a change; the name
 *
 * What is read back was written by a daemon that may have been somebody else's: it is checked, and where it is not what
 * it should be, nothing of it counts, and slots get indexes that no daemon has given before.
 */
#ifndef SLOTS_TREE_MEMORY_H
#define SLOTS_TREE_MEMORY_H

#include "base/base.h"

/* All zero: nobody takes over. The descriptor is the caller's, and stays open as long as the tree does. */
struct tree_memory {
	int fd;		      /* a memfd, empty for the first daemon; -1: there is none */
	uint32_t incarnation; /* 1 for the first daemon of a mount; another one for each that serves it later, counted
				 up */
};

/* As many daemons can serve one mount, since node ids have room for it: -EOVERFLOW, and it is to be mounted anew. */
#define TREE_INCARNATION_MAX 65535U

/* What happened to the mount before. */
struct tree_past {
	uint64_t takeovers;	 /* daemons that served it after the first one */
	uint64_t deaths;	 /* those of them that came because the one before had not handed it over */
	int64_t last_death_at_s; /* when the last of these took over; 0: none */
};

/* Not thread-safe: the tree's lock guards it. */
struct tree_names;

/*
 * is_name: what may be the name of a slot. -EOVERFLOW: too many daemons; -ENOMEM. A memory that is not what it should
 * be is no failure, but logged.
 */
int tree_names_open(const struct tree_memory *memory, bool (*is_name)(const char *name), struct tree_names **ret);
void tree_names_free(struct tree_names *names);

/* Somebody served the mount before. */
bool tree_names_is_heir(const struct tree_names *names);
uint32_t tree_names_incarnation(const struct tree_names *names);
/* Until tree_names_begin: whether he ended by himself. */
bool tree_names_was_handed_over(const struct tree_names *names);
/* Node ids from here on are given by nobody else. */
uint64_t tree_names_first_node(const struct tree_names *names);
/* The index of the first slot; of the n-th: n more. */
uint64_t tree_names_first_index(const struct tree_names *names);

/* What the daemon before has left, until tree_names_drop_left: by n. Where nothing of it counts (is_lost), every slot
 * may have been touched. */
size_t tree_names_left_count(const struct tree_names *names);
#define TREE_NAME_SIZE 79 /* with its NUL: "layer:" and the name of a layer fit, and a profile's */
const char *tree_names_left(const struct tree_names *names, size_t n, char ret[TREE_NAME_SIZE], bool *ret_touched);
bool tree_names_left_renaming(const struct tree_names *names, size_t n);
bool tree_names_is_lost(const struct tree_names *names);
void tree_names_drop_left(struct tree_names *names);

/* The next slot's name; one that was left behind is in the memory already. -ENOSPC: there are too many; or what writing
 * fails with: the slot may not be used then. */
int tree_names_add(struct tree_names *names, const char *name);
/* To be called before the kernel is told of anything in the slot, and before anything in it is changed. */
void tree_names_touch(struct tree_names *names, size_t n);
/* Of one that was touched: whether a rename into it is under way that nobody has been told of yet. */
void tree_names_note_rename(struct tree_names *names, size_t n, bool is_under_way);

void tree_names_begin(struct tree_names *names);     /* the tree is open */
void tree_names_hand_over(struct tree_names *names); /* its daemon ends by itself, and leaves it to another one */
struct tree_past tree_names_past(const struct tree_names *names);

#endif
