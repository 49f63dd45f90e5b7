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

/* "user vouchfs (uid 997)"; "uid 997" where it has no name. Returns ret. */
const char *access_user(uid_t uid, char ret[ACCESS_USER_SIZE]);
/* The user of that name; false: there is none, or it cannot be found out. From any thread. */
bool access_find_user(const char *name, uid_t *ret);

#endif
