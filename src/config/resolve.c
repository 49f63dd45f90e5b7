#include "resolve.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define ENTRY_BYTES_MAX 1048576U /* a group with very many members */

/* The highest number stands for "no change" in chown and is nobody's. */
static int parse_number(const char *text, uint32_t *ret)
{
	uint64_t number;
	if (!text_parse_u64(text, strlen(text), UINT32_MAX - 1, &number))
		return -ENOENT;
	*ret = (uint32_t)number;
	return 0;
}

/* One look-up into a scratch buffer. 0, -ENOENT, -ERANGE (a larger buffer is wanted) or another errno. */
typedef int lookup(const char *name, char *scratch, size_t size, uint32_t *ret);

static int lookup_user(const char *name, char *scratch, size_t size, uint32_t *ret)
{
	struct passwd entry, *found;
	int error = getpwnam_r(name, &entry, scratch, size, &found);
	if (error != 0)
		return -error;
	if (!found)
		return -ENOENT;
	*ret = entry.pw_uid;
	return 0;
}

static int lookup_group(const char *name, char *scratch, size_t size, uint32_t *ret)
{
	struct group entry, *found;
	int error = getgrnam_r(name, &entry, scratch, size, &found);
	if (error != 0)
		return -error;
	if (!found)
		return -ENOENT;
	*ret = entry.gr_gid;
	return 0;
}

static int resolve(const char *text, lookup *look, uint32_t *ret)
{
	int r = -ERANGE;
	for (size_t size = 1024; r == -ERANGE && size <= ENTRY_BYTES_MAX; size *= 2) {
		char *scratch = malloc(size);
		if (!scratch)
			return -ENOMEM;
		r = look(text, scratch, size, ret);
		free(scratch);
	}
	return r == -ENOENT ? parse_number(text, ret) : r;
}

int resolve_user(const char *text, uid_t *ret_uid)
{
	return resolve(text, lookup_user, ret_uid);
}

int resolve_group(const char *text, gid_t *ret_gid)
{
	return resolve(text, lookup_group, ret_gid);
}
