/* A new account, and what a deployment host needs of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "crypto/cms.h"
#include "home.h"
#include "identity.h"
#include "revocation.h"

static int check_account(const char *account_id, const char *region, unsigned list_days, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (!arn_is_account(account_id, strlen(account_id)))
		return home_refuse(ret_why, -EINVAL,
				   "\"%s\" is no account id; one has exactly 12 digits, like 111122223333",
				   home_printable(account_id, escaped));
	if (!arn_is_region(region, strlen(region)))
		return home_refuse(ret_why, -EINVAL,
				   "\"%s\" is no region; one has 1 to 32 of a-z, 0-9 and \"-\", like local",
				   home_printable(region, escaped));
	if (list_days < 1 || list_days > SIGNER_LIST_DAYS_MAX)
		return home_refuse(ret_why, -EINVAL, "a revocation list lives 1 to %u days, not %u",
				   SIGNER_LIST_DAYS_MAX, list_days);
	return 0;
}

/* The home and the directories above it that are missing; like mkdir -p with mode 0700. */
static int make_home(const char *path, struct explain *ret_why)
{
	char *partial = strdup(path);
	if (!partial)
		return -ENOMEM;
	int r = 0;
	for (char *slash = partial + 1; r == 0 && *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		r = mkdir(partial, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
	}
	if (r == 0)
		r = mkdir(partial, 0700) < 0 && errno != EEXIST ? -errno : 0;
	free(partial);
	return r < 0 ? home_failed(ret_why, r, "the signer's home cannot be made") : 0;
}

/* The account file is written last: until it is there, there is no account, and a call that was cut off is repeated. */
static int fill_home(struct signer *signer, const char *ca_key, struct explain *ret_why)
{
	static const char *const directories[] = {"profiles", "jobs", "tokens"};

	struct identity ca = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(directories); i++)
		r = home_make_dir(signer, directories[i], ret_why);
	if (r == 0)
		r = identity_make_ca(signer->scope.account, ca_key, signer->created_at_s, &ca, ret_why);
	if (r == 0)
		r = identity_write(signer, HOME_CA_KEY, HOME_CA_CERT, &ca, ret_why);
	if (r == 0)
		r = revocation_publish(signer, &ca, NULL, 0, 1, ret_why);
	if (r == 0)
		r = home_write_account(signer, ret_why);
	identity_done(&ca);
	return r;
}

int signer_create_account_with_key(const char *home, const char *account_id, const char *region,
				   unsigned revocation_list_days, const char *ca_key, struct explain *ret_why)
{
	int r = check_account(account_id, region, revocation_list_days, ret_why);
	if (r < 0)
		return r;

	int lock = -1;
	struct stat st;
	struct signer signer = {.fd = -1, .created_at_s = clock_now_s(), .revocation_list_days = revocation_list_days};
	(void)snprintf(signer.scope.partition, sizeof(signer.scope.partition), "%s", ARN_PARTITION_OURS);
	(void)snprintf(signer.scope.region, sizeof(signer.scope.region), "%s", region);
	(void)snprintf(signer.scope.account, sizeof(signer.scope.account), "%s", account_id);

	r = make_home(home, ret_why);
	if (r == 0)
		r = home_open_dir(home, &signer.fd, ret_why);
	if (r == 0)
		r = home_lock(&signer, HOME_LOCK, &lock, ret_why);
	if (r < 0)
		goto out;
	if (fstatat(signer.fd, HOME_ACCOUNT, &st, 0) == 0)
		r = home_refuse(ret_why, -EEXIST,
				"the home holds a signing account already; name another one with --home DIR");
	else
		r = fill_home(&signer, ca_key, ret_why);
out:
	io_close(&lock);
	io_close(&signer.fd);
	return r;
}

int signer_create_account_with(const char *home, const char *account_id, const char *region,
			       unsigned revocation_list_days, struct explain *ret_why)
{
	return signer_create_account_with_key(home, account_id, region, revocation_list_days, NULL, ret_why);
}

int signer_create_account(const char *home, const char *account_id, const char *region, struct explain *ret_why)
{
	return signer_create_account_with(home, account_id, region, SIGNER_LIST_DAYS_DEFAULT, ret_why);
}

static int export_file(const struct signer *signer, const char *name, int directory, const char *suffix,
		       struct explain *ret_why)
{
	char target[ARN_ACCOUNT_SIZE + 16];
	(void)snprintf(target, sizeof(target), "%s.%s", signer->scope.account, suffix);

	struct buf content = {0};
	int r = home_read(signer, name, CRYPTO_CMS_PEM_MAX_BYTES, &content, ret_why);
	if (r == -ENOENT)
		r = home_refuse(ret_why, -EIO, "%s is missing in the signer's home; restore it from a backup", name);
	if (r < 0)
		goto out;
	r = io_write_file(directory, target, content.data, content.len, 0644, true);
	if (r == 0 && fchmodat(directory, target, 0644, 0) < 0) /* whatever the umask is */
		r = -errno;
	if (r < 0)
		r = home_failed(ret_why, r, "%s cannot be written", target);
out:
	buf_done(&content);
	return r;
}

static int open_export_directory(const char *path, int *ret_fd, struct explain *ret_why)
{
	int fd = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : io_open_dir(path);
	if (fd < 0) {
		char printable[HOME_PRINTABLE_SIZE];
		return home_failed(ret_why, fd, "the directory %s", home_printable(path, printable));
	}
	*ret_fd = fd;
	return 0;
}

static int refresh_when_half_over(struct signer *signer, struct explain *ret_why)
{
	struct revocation_list *list = NULL;
	int r = signer_read_revocations(signer, &list, ret_why);
	if (r < 0)
		return r;
	int64_t half_s = list->issued_at_s + (list->next_update_s - list->issued_at_s) / 2;
	revocation_list_free(list);
	return clock_now_s() >= half_s ? signer_refresh_revocations(signer, 0, ret_why) : 0;
}

int signer_export_trust(struct signer *signer, const char *directory, struct explain *ret_why)
{
	int fd = -1;
	int r = refresh_when_half_over(signer, ret_why);
	if (r == 0)
		r = open_export_directory(directory, &fd, ret_why);
	if (r == 0)
		r = export_file(signer, HOME_CA_CERT, fd, "pem", ret_why);
	if (r == 0)
		r = export_file(signer, HOME_REVOCATIONS, fd, "revocations", ret_why);
	io_close(&fd);
	return r;
}
