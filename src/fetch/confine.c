#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

#define MEMORY_MAX (512ULL << 20) /* libcurl with a resolver's thread takes a third of it, mostly never touched */

static bool set_limit(__rlimit_resource_t resource, rlim_t max)
{
	const struct rlimit limit = {.rlim_cur = max, .rlim_max = max};
	return setrlimit(resource, &limit) == 0;
}

static bool limit_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true; /* their shadow alone is larger */
#else
	return set_limit(RLIMIT_AS, MEMORY_MAX);
#endif
}

int confine_process(void)
{
	bool ok = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		  set_limit(RLIMIT_CORE, 0) && limit_memory();
	return ok ? 0 : -errno;
}

#define WRITING                                                                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
	 LANDLOCK_ACCESS_FS_REFER)
#define FORBIDDEN                                                                                                      \
	(WRITING | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |            \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_CHAR |                  \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REMOVE_DIR)

static bool allow_writing_below(int ruleset, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	const struct landlock_path_beneath_attr rule = {.allowed_access = WRITING, .parent_fd = fd};
	bool ok = fd >= 0 && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	io_close(&fd);
	return ok;
}

/* Reading stays as the files' modes have it: resolvers and OpenSSL look at more places than anybody could list. */
bool confine_files(const char *mountpoint)
{
	const struct landlock_ruleset_attr attr = {.handled_access_fs = FORBIDDEN};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	bool ok = ruleset >= 0 && allow_writing_below(ruleset, mountpoint) &&
		  syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	io_close(&ruleset);
	return ok;
}
