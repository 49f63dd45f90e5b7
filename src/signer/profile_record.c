/* The record of a profile; whether a name is a profile's, and a version one of its versions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"
#include "record.h"
#include "signature/statement.h"
#include "validity.h"

static const char *const status_names[] = {
	[SIGNER_PROFILE_ACTIVE] = "Active",
	[SIGNER_PROFILE_CANCELED] = "Canceled",
	[SIGNER_PROFILE_REVOKED] = "Revoked",
};

const char *signer_status_name(enum signer_profile_status status)
{
	return status_names[status];
}

static void profile_path(const char *name, char ret[HOME_PATH_SIZE])
{
	(void)snprintf(ret, HOME_PATH_SIZE, "profiles/%s/profile", name);
}

int profile_write(const struct signer *signer, const struct signer_profile *profile, struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	profile_path(profile->arn.name, path);

	struct buf text = {0};
	int r = record_put(&text, "vouchfs-signing-profile", "1");
	if (r == 0)
		r = record_put(&text, "platform", STATEMENT_PLATFORM);
	if (r == 0)
		r = record_put(&text, "status", status_names[profile->status]);
	if (r == 0)
		r = record_put_u64(&text, "validity-value", profile->validity.value);
	if (r == 0)
		r = record_put(&text, "validity-type", signer_unit_name(profile->validity.unit));
	if (r == 0)
		r = record_put(&text, "version", profile->arn.version);
	if (r == 0)
		r = record_put_time(&text, "created-at", profile->created_at_s);
	if (r == 0)
		r = home_write(signer, path, &text, ret_why);
	buf_done(&text);
	return r;
}

static void parse_validity(struct record *record, struct signer_validity *ret)
{
	char unit[8];
	record_u64(record, "validity-value", SIGNER_DAYS_MAX, &ret->value);
	char *name;
	record_text(record, "validity-type", &name);
	(void)snprintf(unit, sizeof(unit), "%s", name ? name : "");
	free(name);
	if (!signer_parse_unit(unit, strlen(unit), &ret->unit) || !validity_is_allowed(ret))
		record_bad(record, "validity-value");
}

int profile_read_record(const struct signer *signer, const char *name, struct signer_profile *ret,
			struct explain *ret_why)
{
	char path[HOME_PATH_SIZE], directory[HOME_PATH_SIZE];
	profile_path(name, path);
	(void)snprintf(directory, sizeof(directory), "profiles/%s", name);

	struct buf text = {0};
	struct record record;
	struct signer_profile profile = {.arn.scope = signer->scope};
	int r = home_check_dir(signer, directory, ret_why);
	if (r == 0)
		r = home_read(signer, path, LIMIT_RECORD_BYTES, &text, ret_why);
	if (r < 0)
		goto out;

	size_t status;
	record_begin(&record, &text, "vouchfs-signing-profile");
	record_choice(&record, "status", (const char *const[]){"Active", "Canceled"}, 2, &status);
	profile.status = status == 0 ? SIGNER_PROFILE_ACTIVE : SIGNER_PROFILE_CANCELED;
	parse_validity(&record, &profile.validity);
	record_copy(&record, "version", profile.arn.version, sizeof(profile.arn.version), arn_is_profile_version);
	record_time(&record, "created-at", &profile.created_at_s);
	(void)snprintf(profile.arn.name, sizeof(profile.arn.name), "%s", name);
	r = record_end(&record, path, ret_why);
	if (r == 0)
		*ret = profile;
out:
	buf_done(&text);
	return r;
}

int profile_check_name(const char *name, struct explain *ret_why)
{
	if (arn_is_profile_name(name, strlen(name)))
		return 0;
	char escaped[HOME_PRINTABLE_SIZE];
	return home_refuse(ret_why, -EINVAL, "\"%s\" is no profile name; one has 2 to 64 of A-Z, a-z, 0-9 and \"_\"",
			   home_printable(name, escaped));
}

int profile_read(const struct signer *signer, const char *name, struct signer_profile *ret, struct explain *ret_why)
{
	int r = profile_check_name(name, ret_why);
	if (r == 0)
		r = profile_read_record(signer, name, ret, ret_why);
	if (r == -ENOENT)
		r = home_refuse(ret_why, r, "profile with name %s does not exist in account %s", name,
				signer->scope.account);
	return r;
}

int profile_check_version_name(const char *version, struct explain *ret_why)
{
	char escaped[HOME_PRINTABLE_SIZE];
	if (arn_is_profile_version(version, strlen(version)))
		return 0;
	return home_refuse(ret_why, -EINVAL, "\"%s\" is no profile version; one has 10 letters and digits",
			   home_printable(version, escaped));
}

int profile_check_version(const struct signer *signer, const char *name, const char *version, struct explain *ret_why)
{
	int r = profile_check_version_name(version, ret_why);
	if (r < 0)
		return r;
	char path[HOME_PATH_SIZE];
	(void)snprintf(path, sizeof(path), "profiles/%s/versions/%s/version", name, version);
	struct buf record = {0};
	r = home_read(signer, path, LIMIT_RECORD_BYTES, &record, ret_why);
	buf_done(&record);
	if (r == -ENOENT)
		return home_refuse(ret_why, r, "profile %s has no version %s", name, version);
	return r;
}
