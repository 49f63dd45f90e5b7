/* Landlock. The numbers that Debian 12's headers lack are the kernel's, and for good. Declared in confine.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/io.h"

#define VERSION_MIN 2 /* the first by which a file can get a name in another directory */

#define ACCESS_TRUNCATE	 (1ULL << 14) /* version 3 */
#define ACCESS_IOCTL_DEV (1ULL << 15) /* version 5 */
#define NET_BIND_TCP	 (1ULL << 0)  /* version 4 */
#define NET_CONNECT_TCP	 (1ULL << 1)
#define SCOPE_ABSTRACT	 (1ULL << 0) /* version 6 */
#define SCOPE_SIGNAL	 (1ULL << 1)

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define MAKING	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define DIRS	(LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define MOVING	LANDLOCK_ACCESS_FS_REFER /* into another directory: for both */
#define NEVER                                                                                                          \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK |                     \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define OF_A_FILE (LANDLOCK_ACCESS_FS_READ_FILE | WRITING) /* all that a rule about one may say */

struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* version 4 */
	uint64_t scoped;	     /* version 6 */
};

static long version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool confine_has_files(void)
{
	return version() >= VERSION_MIN;
}

static struct ruleset_attr attr_of(const struct confine_files *files, long known, size_t *ret_size)
{
	const bool reading_too = files->reading_too;
	struct ruleset_attr attr = {.handled_access_fs = WRITING | MAKING | DIRS | MOVING | NEVER};
	if (reading_too)
		attr.handled_access_fs |= READING;
	if (known < 3)
		attr.handled_access_fs &= ~ACCESS_TRUNCATE;
	if (known >= 5 && reading_too)
		attr.handled_access_fs |= ACCESS_IOCTL_DEV;
	if (known >= 4 && reading_too && !files->has_network)
		attr.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (known >= 6 && reading_too)
		attr.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	*ret_size = known >= 6 ? sizeof(attr) : known >= 4 ? offsetof(struct ruleset_attr, scoped) : sizeof(uint64_t);
	return attr;
}

static uint64_t access_of(unsigned uses)
{
	uint64_t access = 0;
	if (uses & CONFINE_READ)
		access |= READING;
	if (uses & CONFINE_WRITE)
		access |= WRITING;
	if (uses & CONFINE_MAKE)
		access |= MAKING | MOVING;
	if (uses & CONFINE_DIRS)
		access |= DIRS | MOVING;
	return access;
}

/* A place that is not there, or that this user may not enter, gives nothing. */
static int add_place(int ruleset, const struct confine_place *place, uint64_t handled)
{
	int r = 0, fd = open(place->path, O_PATH | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ? 0 : -errno;
	struct landlock_path_beneath_attr rule = {.allowed_access = access_of(place->uses) & handled, .parent_fd = fd};
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_A_FILE;
	if (r == 0 && rule.allowed_access != 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		r = -errno;
	io_close(&fd);
	return r;
}

int confine_files(const struct confine_files *files)
{
	long known = version();
	if (known < VERSION_MIN)
		return -EOPNOTSUPP;
	size_t size;
	const struct ruleset_attr attr = attr_of(files, known, &size);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	int r = ruleset < 0 ? -errno : 0;
	for (size_t i = 0; i < files->count && r == 0; i++)
		r = add_place(ruleset, &files->places[i], attr.handled_access_fs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = -errno;
	io_close(&ruleset);
	return r;
}
