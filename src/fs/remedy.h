/*
 * remedy.h - what the supervisor does for a daemon that puts drift right: a file of conf.d that says something about
 * what a policy bundle governs gets a name by which no load reads it, and stays where it is.
 *
 * The daemon is believed in nothing but the file's name, and all that it can bring about is this one rename beside the
 * configuration that is mounted: nothing is removed, nothing is replaced, no content is changed, and the main file and
 * what links lead to are left alone.
 */
#ifndef FS_REMEDY_H
#define FS_REMEDY_H

#include <limits.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/explain.h"

/* "<name>.conf.replaced-<UTC>", with ".2" and so on where that is taken. */
#define REMEDY_NAME_SIZE (NAME_MAX + 1)

/* Durable when it returns. -EINVAL: no name of a file in conf.d, or no regular file; others say why as well. */
int remedy_set_aside(const char *config_path, const char *name, char ret_kept[REMEDY_NAME_SIZE],
		     struct explain *ret_why);

/*
 * The same as the supervisor is asked over the channel, and answers: what it sends is the file's name, then in a second
 * line what it is called now, or nothing and in a third line why it was left as it is.
 */
int remedy_answer(const char *config_path, const char *name, struct buf *ret);

#endif
