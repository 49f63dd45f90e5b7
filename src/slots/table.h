/*
 * table.h - uthash, the only way to it: without memory a table does not grow, or does not come into being, and the
 * daemon goes on.
 */
#ifndef SLOTS_TABLE_H
#define SLOTS_TABLE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Fails only for the first of a table: one that cannot grow takes the next all the same, with longer chains. */
#define TABLE_ADD_KEYPTR(hh, head, key, len, item)                                                                     \
	do {                                                                                                           \
		HASH_ADD_KEYPTR(hh, head, key, len, item);                                                             \
		if (!TABLE_HAS(hh, item) && (head)) {                                                                  \
			(head)->hh.tbl->noexpand = 1;                                                                  \
			HASH_ADD_KEYPTR(hh, head, key, len, item);                                                     \
			(head)->hh.tbl->noexpand = 0;                                                                  \
		}                                                                                                      \
	} while (0)
#define TABLE_ADD(hh, head, field, len, item) TABLE_ADD_KEYPTR(hh, head, &(item)->field, len, item)
#define TABLE_HAS(hh, item)		      ((item)->hh.tbl != NULL)

#endif
