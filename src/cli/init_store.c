/* The store of `vouchfs init`: its directory, and what the daemon would make in it, as the user who is to serve it. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/access.h"
#include "cli/cli.h"
#include "init.h"
#include "store/store.h"

#define STORE_MODE 0700

/* An empty store, or the one that is there, is opened and closed again. One that is in use is fine as it is. */
static int open_and_close(const char *path)
{
	const struct store_options options = {.path = path, .durable = true, .create = true};
	struct store *store = NULL;
	struct explain why = {.text = "out of memory"};
	int r = store_open(&options, &store, &why);
	store_close(store);
	if (r == -EBUSY)
		return 0;
	if (r < 0)
		cli_error("%s", why.text);
	return r;
}

static int become(const struct passwd *user)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return 0;
}

/* In a process of its own, which has not root's powers any more. */
static int open_as(const char *path, const struct passwd *user)
{
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(become(user) == 0 && open_and_close(path) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EIO;
}

int init_make_store(const char *path, const char *user, bool *ret_made)
{
	char words[ACCESS_WORDS_SIZE];
	bool made = false;
	const struct passwd *owner = user ? getpwnam(user) : NULL;
	ASSERT(!user || owner);
	int r = init_make_dir(path, STORE_MODE, owner, &made);
	if (r < 0) {
		cli_error("store %s cannot be made: %s", path, access_words(path, r, words));
		return -EIO;
	}
	r = owner ? open_as(path, owner) : open_and_close(path);
	if (r == 0)
		*ret_made = made;
	return r < 0 ? -EIO : 0;
}
