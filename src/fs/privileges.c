#include "privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"

int privileges_choose(const char *name, const char *path, struct service_user *ret, struct explain *ret_why)
{
	*ret = (struct service_user){.uid = geteuid(), .gid = getegid()};
	if (geteuid() != 0)
		return 0;

	errno = 0;
	const struct passwd *user = name ? getpwnam(name) : NULL;
	if (user) {
		*ret = (struct service_user){.uid = user->pw_uid, .gid = user->pw_gid};
		return 0;
	}
	ret->is_substitute = name != NULL;
	struct stat st;
	if (stat(path, &st) == 0) {
		ret->uid = st.st_uid;
		ret->gid = st.st_gid;
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	int r = -errno;
	char words[ACCESS_WORDS_SIZE];
	explain_set(ret_why, "%s: %s", path, access_words(path, r, words));
	return r;
}

int privileges_make_store(const char *path, const struct service_user *user, struct explain *ret_why)
{
	char words[ACCESS_WORDS_SIZE];
	int r = 0, fd = -1;
	if (mkdir(path, 0700) < 0) {
		r = errno == EEXIST ? 0 : -errno;
		goto out;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (geteuid() == 0 && fchown(fd, user->uid, user->gid) < 0))
		r = -errno;
out:
	if (r < 0)
		explain_set(ret_why, "store %s cannot be made: %s%s", path, access_words(path, r, words),
			    r == -ENOENT ? "; `mkdir -p` makes the directory above it" : "");
	io_close(&fd);
	return r;
}

static int drop_bounding_set(void)
{
	for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	return 0;
}

/* Changing all three ids from root clears the permitted and effective sets (capabilities(7)); this makes sure. */
static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (data[i].permitted || data[i].effective || data[i].inheritable)
			return true;
	return false;
}

static int change_user(const struct service_user *user)
{
	int r = drop_bounding_set();
	if (r < 0)
		return r;
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return has_capabilities() || setuid(0) == 0 ? -EPERM : 0;
}

int privileges_drop_capabilities(struct explain *ret_why)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	if (!has_capabilities())
		return 0;
	int r = drop_bounding_set();
	if (r == 0 && syscall(SYS_capset, &header, none) < 0)
		r = -errno;
	if (r == 0 && has_capabilities())
		r = -EPERM;
	if (r < 0)
		explain_set(ret_why, "capabilities cannot be given up: %s", strerror(-r));
	return r;
}

int privileges_hide_memory(struct explain *ret_why)
{
	const struct rlimit none = {0};
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0)
		return 0;
	int r = -errno;
	explain_set(ret_why, "the process cannot be closed to debuggers: %s", strerror(-r));
	return r;
}

/* A change of the user makes the process what fs.suid_dumpable says, so its memory is hidden after that. */
int privileges_become(const struct service_user *user, struct explain *ret_why)
{
	int r = 0;
	if (geteuid() == 0 && user->uid != 0)
		r = change_user(user);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r < 0) {
		explain_set(ret_why, "cannot become user %u: %s", user->uid, strerror(-r));
		return r;
	}
	return privileges_hide_memory(ret_why);
}
