/*
 * Signing profiles. profiles/<name>/profile is written last: a profile, or a new version of one, exists from the moment
 * on that this record names it. Whether a version is revoked is not in it but in the revocation list.
 */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/random.h"
#include "base/text.h"
#include "record.h"
#include "revocation.h"
#include "signature/statement.h"
#include "validity.h"

static void version_path(const struct arn_profile *profile, const char *file, char ret[HOME_PATH_SIZE])
{
	(void)snprintf(ret, HOME_PATH_SIZE, "profiles/%s/versions/%s%s%s", profile->name, profile->version,
		       *file ? "/" : "", file);
}

static void apply_revocation(struct signer_profile *profile, const struct revocation_list *list)
{
	const struct revocation *entry = revocation_find_version(list, &profile->arn);
	if (!entry)
		return;
	profile->status = SIGNER_PROFILE_REVOKED;
	profile->revoked_at_s = entry->revoked_at_s;
	profile->revocation_effective_s = entry->effective_s;
}

int signer_get_profile(struct signer *signer, const char *name, struct signer_profile *ret, struct explain *ret_why)
{
	struct signer_profile profile = {0};
	struct revocation_list *list = NULL;
	int r = profile_read(signer, name, &profile, ret_why);
	if (r == 0)
		r = signer_read_revocations(signer, &list, ret_why);
	if (r == 0) {
		apply_revocation(&profile, list);
		*ret = profile;
	}
	revocation_list_free(list);
	return r;
}

static int write_version_record(const struct signer *signer, const struct arn_profile *arn, int64_t now_s,
				struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	version_path(arn, "version", path);
	struct buf text = {0};
	int r = record_put(&text, "vouchfs-signing-profile-version", "1");
	if (r == 0)
		r = record_put_time(&text, "created-at", now_s);
	if (r == 0)
		r = home_write(signer, path, &text, ret_why);
	buf_done(&text);
	return r;
}

static int make_version_dirs(const struct signer *signer, const struct arn_profile *arn, struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	(void)snprintf(path, sizeof(path), "profiles/%s", arn->name);
	int r = home_make_dir(signer, path, ret_why);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "profiles/%s/versions", arn->name);
	r = home_make_dir(signer, path, ret_why);
	if (r < 0)
		return r;
	version_path(arn, "", path);
	return home_make_dir(signer, path, ret_why);
}

/* A key (or the one in a token), and a certificate that binds it to the new version's ARN. */
static int make_version(const struct signer *signer, const struct arn_profile *arn, const char *signing_key,
			int64_t now_s, struct explain *ret_why)
{
	char san[ARN_TEXT_SIZE], key[HOME_PATH_SIZE], cert[HOME_PATH_SIZE];
	arn_print_profile(arn, san);
	version_path(arn, "key.pem", key);
	version_path(arn, "cert.pem", cert);

	struct identity ca = {0}, leaf = {0};
	int r = signing_key ? identity_try_key(signing_key, ret_why) : 0;
	if (r == 0)
		r = identity_read(signer, HOME_CA_KEY, HOME_CA_CERT, &ca, ret_why);
	if (r == 0)
		r = identity_make_leaf(&ca, signing_key, arn->name, san, now_s,
				       clock_add_months(now_s, HOME_MONTHS_LEAF), &leaf, ret_why);
	if (r == 0)
		r = make_version_dirs(signer, arn, ret_why);
	if (r == 0)
		r = identity_write(signer, key, cert, &leaf, ret_why);
	if (r == 0)
		r = write_version_record(signer, arn, now_s, ret_why);
	identity_done(&leaf);
	identity_done(&ca);
	return r;
}

/* What the call starts from: the profile as it is, or a new one. */
static int begin_put(struct signer *signer, const char *name, struct signer_profile *ret, struct explain *ret_why)
{
	int r = signer_get_profile(signer, name, ret, ret_why);
	if (r == -ENOENT) {
		*ret = (struct signer_profile){.arn.scope = signer->scope,
					       .status = SIGNER_PROFILE_ACTIVE,
					       .validity = {SIGNER_MONTHS_MAX, SIGNER_MONTHS},
					       .created_at_s = clock_now_s()};
		(void)snprintf(ret->arn.name, sizeof(ret->arn.name), "%s", name);
		return 0;
	}
	if (r == 0 && ret->status != SIGNER_PROFILE_ACTIVE)
		r = home_refuse(ret_why, -EINVAL,
				"profile with name %s already exists and is %s; only an Active profile gets a new "
				"version, so choose another name",
				name, signer_status_name(ret->status));
	return r;
}

int signer_put_profile(struct signer *signer, const char *name, const char *platform,
		       const struct signer_validity *validity, struct signer_profile *ret, struct explain *ret_why)
{
	return signer_put_profile_with_key(signer, name, platform, validity, NULL, ret, ret_why);
}

int signer_put_profile_with_key(struct signer *signer, const char *name, const char *platform,
				const struct signer_validity *validity, const char *signing_key,
				struct signer_profile *ret, struct explain *ret_why)
{
	int lock = -1;
	char printable[HOME_PRINTABLE_SIZE];
	struct signer_profile profile = {0};
	int r = profile_check_name(name, ret_why);
	if (r < 0)
		return r;
	if (strcmp(platform, STATEMENT_PLATFORM) != 0)
		return home_refuse(ret_why, -EINVAL, "platform %s is not offered here; there is %s",
				   home_printable(platform, printable), STATEMENT_PLATFORM);
	if (validity && !validity_is_allowed(validity))
		return home_refuse(
			ret_why, -EINVAL,
			"signatures are good for at least one day and at most 135 months (%u years, %u days), not %llu "
			"%s",
			SIGNER_YEARS_MAX, SIGNER_DAYS_MAX, (unsigned long long)validity->value,
			signer_unit_name(validity->unit));

	r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = begin_put(signer, name, &profile, ret_why);
	if (r == 0) {
		random_alphanumeric(profile.arn.version, sizeof(profile.arn.version) - 1);
		profile.validity = validity ? *validity : profile.validity;
		r = make_version(signer, &profile.arn, signing_key, clock_now_s(), ret_why);
	}
	if (r == 0)
		r = profile_write(signer, &profile, ret_why);
	if (r == 0)
		*ret = profile;
	io_close(&lock);
	return r;
}

int signer_cancel_profile(struct signer *signer, const char *name, struct explain *ret_why)
{
	int lock = -1;
	struct signer_profile profile;
	int r = profile_check_name(name, ret_why);
	if (r == 0)
		r = home_lock(signer, HOME_LOCK, &lock, ret_why);
	if (r == 0)
		r = signer_get_profile(signer, name, &profile, ret_why);
	if (r == 0 && profile.status == SIGNER_PROFILE_REVOKED)
		r = home_refuse(
			ret_why, -EINVAL,
			"signing profile %s cannot be canceled: it has been revoked, and signs no more either way",
			name);
	if (r == 0 && profile.status == SIGNER_PROFILE_ACTIVE) {
		profile.status = SIGNER_PROFILE_CANCELED;
		r = profile_write(signer, &profile, ret_why);
	}
	io_close(&lock);
	return r;
}

static int append_profile(const struct signer *signer, const char *name, const struct revocation_list *list,
			  struct buf *profiles, struct explain *ret_why)
{
	struct signer_profile profile;
	int r = profile_read_record(signer, name, &profile, ret_why);
	if (r == -ENOENT)
		return 0; /* a first version that was cut off before its record */
	if (r < 0)
		return r;
	apply_revocation(&profile, list);
	return buf_append(profiles, &profile, sizeof(profile));
}

static int by_name(const void *a, const void *b)
{
	const struct signer_profile *left = a, *right = b;
	return strcmp(left->arn.name, right->arn.name);
}

int signer_list_profiles(struct signer *signer, struct signer_profile **ret, size_t *ret_count, struct explain *ret_why)
{
	struct buf profiles = {0};
	struct io_names names = {0};
	struct revocation_list *list = NULL;
	int r = signer_read_revocations(signer, &list, ret_why);
	if (r < 0)
		goto out;
	r = io_list_dir(signer->fd, "profiles", &names);
	if (r < 0)
		r = home_failed(ret_why, r, "profiles in the signer's home");
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (arn_is_profile_name(names.names[i], strlen(names.names[i])))
			r = append_profile(signer, names.names[i], list, &profiles, ret_why);
	if (r < 0)
		goto out;

	size_t count = profiles.len / sizeof(struct signer_profile);
	struct signer_profile *sorted = (void *)buf_steal(&profiles);
	if (!sorted) {
		r = -ENOMEM;
		goto out;
	}
	qsort(sorted, count, sizeof(*sorted), by_name);
	*ret = sorted;
	*ret_count = count;
out:
	io_names_done(&names);
	revocation_list_free(list);
	buf_done(&profiles);
	return r;
}

int profile_read_identity(const struct signer *signer, const struct signer_profile *profile, struct identity *ret,
			  struct explain *ret_why)
{
	char key[HOME_PATH_SIZE], cert[HOME_PATH_SIZE];
	version_path(&profile->arn, "key.pem", key);
	version_path(&profile->arn, "cert.pem", cert);
	return identity_read(signer, key, cert, ret, ret_why);
}
