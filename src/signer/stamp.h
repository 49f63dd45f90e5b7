/* stamp.h - asking a time stamp authority about a signature. Private to this module. */
#ifndef SIGNER_STAMP_H
#define SIGNER_STAMP_H

#include "home.h"

/*
 * Replaces the comment by the one with a time stamp. url: http://HOST[:PORT]/PATH asks there; file:DIR takes the reply
 * DIR/<job id>.tsr when there is one, else writes the query DIR/<job id>.tsq and leaves the comment as it was, with
 * *ret_pending and a notice that says what to do; file:PATH of a reply takes that. -EINVAL, -EBADMSG, -EIO with why.
 */
int stamp_comment(const char *url, struct buf *comment, bool *ret_pending, struct explain *ret_notice,
		  struct explain *ret_why);

/* Is it such a URL? A file: has to be a directory where there cannot be a reply yet. */
int stamp_check_url(const char *url, bool may_be_reply, struct explain *ret_why);

#endif
