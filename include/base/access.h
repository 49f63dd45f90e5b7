/*
 * access.h - why a path cannot be used, and what to do about it, for whoever has to put it right. Looks at the path
 * again, as the user this process is.
 */
#ifndef BASE_ACCESS_H
#define BASE_ACCESS_H

#include <sys/types.h>

#include "base/base.h"

#define ACCESS_WORDS_SIZE 640
#define ACCESS_USER_SIZE  64

/*
 * "Permission denied: user vouchfs (uid 997) may not enter /root; chmod o+x /root lets others through". error is a
 * negative errno and its words come first; of some nothing more is said. Escaped; returns ret.
 */
const char *access_words(const char *path, int error, char ret[ACCESS_WORDS_SIZE]);

/*
 * The modes let this process use it, and it was refused all the same: it has given up (base/confine.h) what nobody had
 * named when it was started. What is said of that, behind what could not be done.
 */
bool access_is_closed(const char *path, int mode);
#define ACCESS_CLOSED                                                                                                  \
	": it is outside of the places that the configuration named when this was mounted, and the process that "      \
	"serves has closed all others; `vouchfs restart MOUNTPOINT` takes in what the configuration names now, and "   \
	"what only a policy bundle names has to lie in the configuration's directory"

/* "user vouchfs (uid 997)"; "uid 997" where it has no name. Returns ret. */
const char *access_user(uid_t uid, char ret[ACCESS_USER_SIZE]);
/* The user of that name; false: there is none, or it cannot be found out. From any thread. */
bool access_find_user(const char *name, uid_t *ret);

#endif
