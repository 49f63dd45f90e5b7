#include "base/access.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define SHOWN_SIZE   256
#define PASSWD_BYTES 4096

const char *access_user(uid_t uid, char ret[ACCESS_USER_SIZE])
{
	struct passwd entry, *found = NULL;
	char bytes[PASSWD_BYTES], name[ACCESS_USER_SIZE / 2];
	if (getpwuid_r(uid, &entry, bytes, sizeof(bytes), &found) == 0 && found)
		(void)snprintf(ret, ACCESS_USER_SIZE, "user %s (uid %u)",
			       text_escape_print(name, sizeof(name), entry.pw_name, strlen(entry.pw_name)), uid);
	else
		(void)snprintf(ret, ACCESS_USER_SIZE, "uid %u", uid);
	return ret;
}

bool access_find_user(const char *name, uid_t *ret)
{
	struct passwd entry, *found = NULL;
	char bytes[PASSWD_BYTES];
	if (getpwnam_r(name, &entry, bytes, sizeof(bytes), &found) != 0 || !found)
		return false;
	*ret = found->pw_uid;
	return true;
}

/* The first directory on the way to path for which this access fails, cut out of it; free(). NULL: none. */
static char *first_failing(const char *path, int mode)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *directory = strndup(path, (size_t)(slash - path));
		if (!directory || faccessat(AT_FDCWD, directory, mode, AT_EACCESS) < 0)
			return directory;
		free(directory);
	}
	return NULL;
}

static void say_missing(const char *path, char *ret, size_t size)
{
	char shown[SHOWN_SIZE], *directory = first_failing(path, F_OK);
	if (directory)
		(void)snprintf(ret, size, ": there is no %s",
			       text_escape_print(shown, sizeof(shown), directory, strlen(directory)));
	free(directory);
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool access_is_closed(const char *path, int mode)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

static void say_denied(const char *path, char *ret, size_t size)
{
	char shown[SHOWN_SIZE], user[ACCESS_USER_SIZE], *directory = first_failing(path, X_OK);
	if (access_is_closed(path, R_OK)) {
		(void)snprintf(ret, size, "%s", ACCESS_CLOSED);
		free(directory);
		return;
	}
	(void)access_user(geteuid(), user);
	(void)text_escape_print(shown, sizeof(shown), directory ? directory : path,
				strlen(directory ? directory : path));
	if (directory)
		(void)snprintf(ret, size, ": %s may not enter %s; `chmod o+x %s` lets others through", user, shown,
			       shown);
	else if (is_file(path))
		(void)snprintf(ret, size, ": %s may not read it; `chmod o+r %s` lets others read it", user, shown);
	else
		(void)snprintf(ret, size, ": %s may not use it; `ls -ld %s` shows who may", user, shown);
	free(directory);
}

static const char *known_remedy(int error)
{
	switch (error) {
	case -EROFS:
		return ": make it writable (mount -o remount,rw), or use a place on another filesystem";
	case -ENOSPC:
		return ": make room there; `df -h` shows how full it is, `df -i` its inodes";
	case -EDQUOT:
		return ": make room there, or raise the quota of the user who writes";
	default:
		return "";
	}
}

const char *access_words(const char *path, int error, char ret[ACCESS_WORDS_SIZE])
{
	int used = snprintf(ret, ACCESS_WORDS_SIZE, "%s%s", strerror(-error), known_remedy(error));
	ASSERT(used >= 0 && used < ACCESS_WORDS_SIZE);
	char *rest = ret + used;
	size_t room = ACCESS_WORDS_SIZE - (size_t)used;
	if (error == -ENOENT)
		say_missing(path, rest, room);
	else if (error == -EACCES)
		say_denied(path, rest, room);
	return ret;
}
