/*
 * read_ahead.h - inflates what will be read next, on threads of its own.
 *
 * Who reads a tree reads its files more or less in the order of their names, folder by folder. Once a second file near
 * the first one is read, or the first one of a folder that was listed, the files behind it go into the inflate cache
 * while the reader is still busy with those before. How far depends on how much is really read: a few files at first,
 * then some for each that was asked for, within what the cache has for unread contents.
 *
 * Requests never wait for this, but for an entry that is being inflated at the moment. What cannot be read is left to
 * whoever asks for it: only then it is damage, and recorded.
 */
#ifndef SLOTS_READ_AHEAD_H
#define SLOTS_READ_AHEAD_H

#include "base/base.h"

struct read_ahead;
struct slots;

int read_ahead_new(struct slots *slots, struct read_ahead **ret);
/* Waits for the entries in hand. Nobody may call any more. */
void read_ahead_free(struct read_ahead *ahead);

/* A file is read from its beginning; node is its index in the view of the release. */
void read_ahead_note_read(struct read_ahead *ahead, uint64_t release_id, uint32_t node);
/*
 * One large file at a time may be in memory until it is marked, for reading it in parts (slots/large.c). False: another
 * one is, or there are no threads. Who has claimed it goes on with one of the two: a thread calls large_mark, or not.
 */
bool read_ahead_claim_mark(struct read_ahead *ahead);
void read_ahead_mark(struct read_ahead *ahead, uint64_t release_id, uint32_t node);
void read_ahead_unclaim_mark(struct read_ahead *ahead);

/* A folder is listed. */
void read_ahead_note_list(struct read_ahead *ahead, uint64_t release_id, uint32_t node);

#endif
