#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

#define PROGRAM	     "fusermount3"
#define PROGRAM_PATH "/usr/bin/" PROGRAM /* where libfuse looks first */
#define PROGRAM_SIZE 512
#define FUSE_CONF    "/etc/fuse.conf"
#define OTHERS_LINE  "user_allow_other"

#define NO_DEVICE                                                                                                      \
	"there is no " REFUSAL_FUSE_DEVICE                                                                             \
	", so FUSE cannot be used; `modprobe fuse` loads it, a container has to be "                                   \
	"started with --device " REFUSAL_FUSE_DEVICE
#define NO_CAPABILITY                                                                                                  \
	"the capability CAP_SYS_ADMIN is missing; a container has to be started with --cap-add SYS_ADMIN, a service "  \
	"must not take it away (CapabilityBoundingSet=)"

/* ---- root ---- */

void refusal_explain_device(int error, struct explain *why)
{
	if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		explain_set(why, NO_DEVICE);
	else if (error == -EPERM || error == -EACCES)
		explain_set(why,
			    REFUSAL_FUSE_DEVICE
			    " may not be opened (%s); a container has to be started with --device " REFUSAL_FUSE_DEVICE
			    ", a service needs DeviceAllow=" REFUSAL_FUSE_DEVICE " rw",
			    strerror(-error));
	else
		explain_set(why, REFUSAL_FUSE_DEVICE ": %s", strerror(-error));
}

void refusal_explain_mount(int error, const char *mountpoint, struct explain *why)
{
	if (error == -EPERM)
		explain_set(why, "not permitted to mount on %s: " NO_CAPABILITY, mountpoint);
	else if (error == -EACCES)
		explain_set(why,
			    "not permitted to mount on %s: a security module (AppArmor, SELinux) forbids it, and "
			    "`journalctl -k` says which rule; a container may need --security-opt apparmor=unconfined",
			    mountpoint);
	else if (error == -ENODEV)
		explain_set(why, "this kernel has no FUSE; `modprobe fuse` loads it");
	else
		explain_set(why, "mounting on %s: %s", mountpoint, strerror(-error));
}

/* ---- users: each true when it has found the reason ---- */

static bool is_device_missing(struct explain *why)
{
	char self[ACCESS_USER_SIZE];
	int fd = open(REFUSAL_FUSE_DEVICE, O_RDWR | O_CLOEXEC);
	int error = fd < 0 ? -errno : 0;
	io_close(&fd);
	if (error == -EACCES || error == -EPERM)
		explain_set(why,
			    "%s may not open " REFUSAL_FUSE_DEVICE "; `chmod 0666 " REFUSAL_FUSE_DEVICE
			    "` as root lets every user mount, as Debian has it",
			    access_user(geteuid(), self));
	else if (error < 0)
		refusal_explain_device(error, why);
	return error < 0;
}

/* In PATH where it is not where it should be. False: nowhere. */
static bool find_program(char ret[PROGRAM_SIZE])
{
	(void)snprintf(ret, PROGRAM_SIZE, "%s", PROGRAM_PATH);
	if (access(ret, X_OK) == 0)
		return true;
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : ""), *rest = copy;
	bool is_found = false;
	for (const char *directory; copy && !is_found && (directory = strsep(&rest, ":"));) {
		(void)snprintf(ret, PROGRAM_SIZE, "%s/" PROGRAM, directory);
		is_found = access(ret, X_OK) == 0;
	}
	free(copy);
	return is_found;
}

static bool is_program_missing(struct explain *why)
{
	char program[PROGRAM_SIZE], shown[PROGRAM_SIZE];
	struct stat st;
	if (!find_program(program)) {
		explain_set(why,
			    "a user mounts with " PROGRAM
			    ", which is not installed; `apt-get install fuse3` as root brings it, or mount as root");
		return true;
	}
	bool has_power = stat(program, &st) < 0 || ((st.st_mode & S_ISUID) && st.st_uid == 0) ||
			 getxattr(program, "security.capability", NULL, 0) > 0;
	if (!has_power)
		explain_set(why,
			    "%s has lost its set-user-ID bit, without which no user can mount; "
			    "`apt-get install --reinstall fuse3` as root brings it back",
			    text_escape_print(shown, sizeof(shown), program, strlen(program)));
	return !has_power;
}

static bool is_confined(const char *mountpoint, struct explain *why)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		explain_set(why, "this process may not gain privileges (no_new_privs), so " PROGRAM
				 " cannot mount for it; start it outside the sandbox, or in a service without "
				 "NoNewPrivileges=yes");
		return true;
	}
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0) {
		explain_set(why, "not permitted to mount on %s: " NO_CAPABILITY, mountpoint);
		return true;
	}
	return false;
}

/* A line of its own, blanks around it do not count. */
static bool is_others_line(const char *line, size_t len)
{
	while (len > 0 && (line[0] == ' ' || line[0] == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return text_equal(line, len, OTHERS_LINE);
}

static bool may_let_others_in(void)
{
	struct buf text = {0};
	bool is_found = false;
	(void)io_read_path(FUSE_CONF, LIMIT_CONFIG_FILE_BYTES, &text);
	const char *end = text.data + text.len;
	for (const char *at = text.data; text.len > 0 && at < end && !is_found;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		is_found = is_others_line(at, (size_t)((newline ? newline : end) - at));
		at = newline ? newline + 1 : end;
	}
	buf_done(&text);
	return is_found;
}

void refusal_explain_user(const struct kernel_mount *what, struct explain *why)
{
	if (is_device_missing(why) || is_program_missing(why) || is_confined(what->mountpoint, why))
		return;
	if (what->allow_other && !may_let_others_in())
		explain_set(why, "-o allow_other is not permitted to users here; `echo " OTHERS_LINE " >>" FUSE_CONF
				 "` as root permits it, without it the mount is for you alone");
	else
		explain_set(why, PROGRAM " could not mount on %s, for the reason it has said", what->mountpoint);
}
