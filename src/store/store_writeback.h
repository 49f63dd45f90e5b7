/*
 * store_writeback.h - starts to write a file to the disk while it still grows, so that little is left for the fsync at
 * its end. It makes nothing durable and takes no order from anybody: fsync is called all the same, before the file gets
 * its name.
 *
 * No failure is lost. What the disk refuses after a page was sent is kept by the kernel with the file (errseq), and
 * comes out of the next fsync on this descriptor, which was open before: sync_file_range without its WAIT flags does
 * not look at that mark, so it does not take it away either. What fails before that, in the call itself (a delayed
 * allocation that finds the disk full drops the page), is kept here.
 */
#ifndef STORE_WRITEBACK_H
#define STORE_WRITEBACK_H

#include <stdatomic.h>

#include "store_helpers.h"

struct store_writeback {
	struct store_helpers *helpers; /* NULL: nothing is to be durable */
	struct store_job job;
	const int *fd;		  /* stays what it is until the end */
	uint64_t handed_in_bytes; /* the writer's */
	atomic_uint_least64_t to_bytes;
	uint64_t from_bytes; /* the helper's, as the rest */
	int error;
};

void store_writeback_init(struct store_writeback *writeback, struct store_helpers *helpers, const int *fd);
/* The file is written up to here. What is written in another order waits for the fsync. */
void store_writeback_note(struct store_writeback *writeback, uint64_t end_bytes);
/* The same, and nothing comes behind it for a while. */
void store_writeback_note_end(struct store_writeback *writeback, uint64_t end_bytes);
/* All that was noted is on its way, and no helper comes back to it. 0, or what has failed. */
int store_writeback_end(struct store_writeback *writeback);
/* The file goes: nothing more of it needs to get to the disk. */
void store_writeback_drop(struct store_writeback *writeback);

#endif
