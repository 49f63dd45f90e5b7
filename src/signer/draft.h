/*
 * draft.h - the artifact on its way to being signed. Private to this module.
 *
 * A private copy of the source beside the destination: read once, checked, hashed and signed as what it is, then
 * given its name by one rename. Without a name (O_TMPFILE) where the filesystem can, so that a crash leaves nothing.
 */
#ifndef SIGNER_DRAFT_H
#define SIGNER_DRAFT_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/explain.h"

struct draft {
	int fd;
	int directory;
	char name[256];	     /* of the destination, in directory */
	char temporary[280]; /* "" as long as the copy has no name */
	uint64_t size_bytes;
};

/* All-zero but for the descriptors: what draft_done may always be called on. */
#define DRAFT_NONE ((struct draft){.fd = -1, .directory = -1})

/* Paths, or what is open already; then the path is only what is said of it. Descriptors stay the caller's. */
struct draft_files {
	const char *source;
	const int *source_fd; /* or NULL */
	const char *destination;
	const int *directory_fd; /* or NULL */
	const char *name;	 /* in that directory */
};

/* The directory that a file is in, or is to be in. */
int draft_open_directory(const char *path, int *ret_fd, struct explain *ret_why);

/* -ENOENT: no source, no destination directory; -EINVAL: not a regular file; -EFBIG: more than max_bytes. */
int draft_open(const struct draft_files *files, uint64_t max_bytes, struct draft *ret, struct explain *ret_why);

/* Cuts the copy at length, puts the length of the comment (u16) and the comment behind it, and makes it durable. */
int draft_seal(struct draft *draft, uint64_t length, const struct buf *comment, struct explain *ret_why);

/* Replaces the destination atomically; its mode is kept when there was one. */
int draft_publish(struct draft *draft, struct explain *ret_why);
void draft_done(struct draft *draft);

#endif
