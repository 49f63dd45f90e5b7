#include "remedy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/config.h"

#define SUFFIX	  ".conf"
#define REPLACED  ".replaced-"
#define WHEN_SIZE 32

/* Room for what is added is left, so that a name that is taken for one always gets another. */
static bool is_drop_in_name(const char *name)
{
	size_t len = strlen(name), added = strlen(REPLACED) + WHEN_SIZE;
	return len > strlen(SUFFIX) && len + added < REMEDY_NAME_SIZE && name[0] != '.' && !strchr(name, '/') &&
	       text_ends_with(name, SUFFIX);
}

/* conf.d beside the configuration, which is where it was mounted from; a link is not followed. */
static int open_conf_d(const char *config_path, struct explain *why)
{
	char path[PATH_MAX];
	const char *slash = strrchr(config_path, '/');
	ASSERT(slash);
	int len = snprintf(path, sizeof(path), "%.*s/" CONFIG_CONF_D, (int)(slash - config_path), config_path);
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;
	if (r == -ELOOP || r == -ENOTDIR)
		explain_set(why,
			    CONFIG_CONF_D " is no directory here, but a link or something else; only what lies in a "
					  "directory beside the configuration is set aside");
	else if (r < 0)
		explain_set(why, CONFIG_CONF_D " cannot be opened: %s", strerror(-r));
	return r;
}

static int check_file(int dirfd, const char *name, struct explain *why)
{
	struct stat st;
	int r = io_statat(dirfd, name, &st);
	if (r < 0) {
		explain_set(why, "it cannot be looked at: %s", strerror(-r));
		return r;
	}
	if (S_ISREG(st.st_mode))
		return 0;
	explain_set(why, "it is %s, which whoever placed it has to take away",
		    S_ISLNK(st.st_mode) ? "a symbolic link" : "no regular file");
	return -EINVAL;
}

static int rename_it(int dirfd, const char *name, char ret_kept[REMEDY_NAME_SIZE], struct explain *why)
{
	char kept[REMEDY_NAME_SIZE + WHEN_SIZE];
	struct tm now;
	clock_to_tm(clock_now_s(), &now);
	int len = snprintf(kept, sizeof(kept), "%s" REPLACED "%04d%02d%02dT%02d%02d%02dZ", name, now.tm_year + 1900,
			   now.tm_mon + 1, now.tm_mday, now.tm_hour, now.tm_min, now.tm_sec);
	ASSERT(len > 0 && (size_t)len < REMEDY_NAME_SIZE - 4);

	int r = io_rename_new(dirfd, name, kept);
	for (unsigned i = 2; r == -EEXIST && i < LIMIT_REMEDY_NAMES; i++) {
		(void)snprintf(kept + len, sizeof(kept) - (size_t)len, ".%u", i);
		r = io_rename_new(dirfd, name, kept);
	}
	if (r == 0)
		r = io_fsync(dirfd);
	if (r < 0)
		explain_set(why, "it cannot be renamed: %s", strerror(-r));
	else
		memcpy(ret_kept, kept, strlen(kept) + 1);
	return r;
}

int remedy_set_aside(const char *config_path, const char *name, char ret_kept[REMEDY_NAME_SIZE],
		     struct explain *ret_why)
{
	if (!is_drop_in_name(name)) {
		explain_set(ret_why, "that is no name of a file in " CONFIG_CONF_D);
		return -EINVAL;
	}
	int dirfd = open_conf_d(config_path, ret_why);
	int r = dirfd < 0 ? dirfd : check_file(dirfd, name, ret_why);
	if (r == 0)
		r = rename_it(dirfd, name, ret_kept, ret_why);
	io_close(&dirfd);
	return r;
}

int remedy_answer(const char *config_path, const char *name, struct buf *ret)
{
	char kept[REMEDY_NAME_SIZE];
	struct explain why = {.text = "it was left as it is"};
	int r = remedy_set_aside(config_path, name, kept, &why);
	return r == 0 ? buf_printf(ret, "%s\n%s\n\n", name, kept) : buf_printf(ret, "%s\n\n%s\n", name, why.text);
}
