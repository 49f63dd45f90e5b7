/* A signing service: reaching it, whose profiles it has, and what its refusals mean. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#define PRINTABLE_SIZE 256
#define WHY_BYTES      16384U

static const char *printable(const char *text, char ret[PRINTABLE_SIZE])
{
	return text_escape_print(ret, PRINTABLE_SIZE, text, strlen(text));
}

static int end_attribute(ssize_t len, char *ret)
{
	if (len < 0)
		return errno == EOPNOTSUPP ? -ENODATA : -errno;
	ret[len] = '\0';
	return 0;
}

int service_attribute(int fd, const char *name, char *ret, size_t ret_size)
{
	return end_attribute(fgetxattr(fd, name, ret, ret_size - 1), ret);
}

/* Who cannot be told from others cannot open the root, and is to hear why. */
static int root_attribute(const char *path, const char *name, char *ret, size_t ret_size)
{
	return end_attribute(getxattr(path, name, ret, ret_size - 1), ret);
}

/* ---- reaching it ---- */

static int cannot_reach(const struct service *service, int r, struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	explain_set(ret_why,
		    "the signing service %s cannot be reached: %s; name the directory where it is mounted with "
		    "--service DIR",
		    printable(service->path, escaped), strerror(-r));
	return r;
}

/* Whose service it is. */
static int identify_service(struct service *service, struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	struct stat st;
	const char *path = service->path;
	if (stat(path, &st) < 0)
		return cannot_reach(service, -errno, ret_why);
	service->is_owner = geteuid() == 0 || geteuid() == st.st_uid;
	int r = root_attribute(path, "user.vouchfs.account", service->account, sizeof(service->account));
	if (r == 0)
		r = root_attribute(path, "user.vouchfs.region", service->region, sizeof(service->region));
	if (r == 0)
		return 0;
	explain_set(ret_why,
		    "%s is no signing service: it is not what vouchfs signer mount has mounted (%s); name the "
		    "mountpoint with --service DIR",
		    printable(path, escaped), strerror(-r));
	return r == -ENODATA ? -EINVAL : r;
}

static int identify_caller(struct service *service, struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	int r = root_attribute(service->path, "user.vouchfs.caller", service->caller, sizeof(service->caller));
	if (r < 0)
		explain_set(ret_why,
			    "the signing service %s cannot tell for which account user %u acts (%s); account %s has to "
			    "mend the file principals in its home",
			    printable(service->path, escaped), (unsigned)geteuid(), strerror(-r), service->account);
	return r;
}

int service_open(const char *path, struct service *ret, struct explain *ret_why)
{
	struct service service = {.path = path, .root = -1};
	io_fault_arm();
	int r = identify_service(&service, ret_why);
	if (r == 0)
		r = identify_caller(&service, ret_why);
	if (r < 0)
		return r;
	service.root = io_open_dir(path);
	if (service.root < 0)
		return cannot_reach(&service, service.root, ret_why);
	*ret = service;
	return 0;
}

void service_close(struct service *service)
{
	io_close(&service->root);
}

int service_check_owner(const struct service *service, const char *option, const char *owner, const char *what,
			struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	const char *account = owner ? owner : service->caller;
	if (strcmp(account, service->account) == 0)
		return 0;
	if (!arn_is_account(account, strlen(account))) {
		explain_set(ret_why, "\"%s\" is no account id; one has 12 digits, like %s", printable(account, escaped),
			    service->account);
		return -EINVAL;
	}
	if (strcmp(account, service->caller) == 0) {
		explain_set(ret_why,
			    "%s of account %s, for which you act, does not exist in this signing service, which is "
			    "account %s's; what is that account's is named with --%s %s",
			    what, account, service->account, option, service->account);
		return -ENOENT;
	}
	explain_set(ret_why,
		    "this signing service is account %s's; what account %s owns is reached through its own: --service "
		    "DIR, the directory where that is mounted",
		    service->account, account);
	return -EACCES;
}

/* ---- what refusals mean ---- */

/* In the words of signer_authorize. */
static int lacks_permission(const struct service *service, const char *profile, enum signer_action action,
			    struct explain *ret_why)
{
	const char *name = signer_action_name(action);
	explain_set(ret_why,
		    "account %s has no permission for %s with profile %s of account %s; its owner allows it with: "
		    "vouchfs signer add-profile-permission --profile-name %s --action %s --principal %s --statement-id "
		    "%s-%s",
		    service->caller, name, profile, service->account, profile, name, service->caller,
		    strchr(name, ':') + 1, service->caller);
	return -EACCES;
}

int service_open_profile(const struct service *service, const char *profile, enum signer_action action, int *ret_fd,
			 struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	if (!arn_is_profile_name(profile, strlen(profile))) {
		explain_set(ret_why, "\"%s\" is no profile name; one has 2 to 64 of A-Z, a-z, 0-9 and \"_\"",
			    printable(profile, escaped));
		return -EINVAL;
	}
	int fd = io_open_dirat(service->root, profile);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd == -ENOENT && !service->is_owner)
		return lacks_permission(service, profile, action, ret_why);
	if (fd == -ENOENT)
		explain_set(ret_why,
			    "profile with name %s does not exist in account %s; list-signing-profiles shows those that "
			    "do",
			    profile, service->account);
	else
		explain_set(ret_why, "profile %s of the signing service %s cannot be reached: %s", profile,
			    printable(service->path, escaped), strerror(-fd));
	return fd;
}

/* The note of the last attempt of the caller's account, when it is of this process. */
static bool read_why(const struct service *service, const char *profile, struct service_why *ret)
{
	char path[ARN_PROFILE_NAME_SIZE + 32];
	struct buf text = {0};
	(void)snprintf(path, sizeof(path), ".vouchfs/why/%s", profile);
	bool is_ours = io_read_file(service->root, path, WHY_BYTES, &text) == 0 && text.len > 0;
	if (is_ours) {
		service_why_parse(text.data, ret);
		is_ours = ret->pid == (uint64_t)getpid() && ret->found[0];
	}
	buf_done(&text);
	return is_ours;
}

void service_notice(const struct service *service, const char *profile, struct explain *ret)
{
	struct service_why why;
	if (read_why(service, profile, &why) && !why.check[0])
		explain_set(ret, "%s", why.found);
}

bool service_tells(const struct service *service, const char *profile, struct explain *ret_why)
{
	struct service_why why;
	if (!read_why(service, profile, &why) || !why.check[0])
		return false;
	if (strcmp(why.check, "permission") == 0) /* names its remedy itself */
		explain_set(ret_why, "%s", why.found);
	else if (why.remedy[0])
		explain_set(ret_why, "%s; %s", why.found, why.remedy);
	else
		explain_set(ret_why, "%s%s%s", why.found, why.expected[0] ? "; expected: " : "", why.expected);
	return true;
}

/* A profile that signs no more and an artifact that is too large are, to AWS, bad parameters. */
static int name_error(int error)
{
	switch (error) {
	case -EPERM:
	case -EEXIST:
	case -EFBIG:
		return -EINVAL;
	case -EDQUOT:
		return -ENFILE;
	default:
		return error;
	}
}

static const char *meaning(int error)
{
	switch (error) {
	case -EPERM:
		return "the profile signs no more";
	case -EEXIST:
		return "the artifact is signed already";
	case -EFBIG:
		return "the artifact is too large";
	case -ENFILE:
	case -EDQUOT:
		return "too much is being handed in at once; try again when some of it is done";
	case -ESHUTDOWN:
	case -ENOTCONN:
		return "the service is stopping; try again when it is mounted again";
	default:
		return strerror(-error);
	}
}

int service_refused(const struct service *service, const char *profile, enum signer_action action, int error,
		    struct explain *ret_why)
{
	char escaped[PRINTABLE_SIZE];
	if (service_tells(service, profile, ret_why))
		return name_error(error);
	if (error == -EACCES)
		return lacks_permission(service, profile, action, ret_why);
	explain_set(ret_why, "the signing service %s refuses it: %s", printable(service->path, escaped),
		    meaning(error));
	return name_error(error);
}
