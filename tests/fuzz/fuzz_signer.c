/*
 * Throws files at a signing account's home. An input is files of the home, in the place of what is there: `account`,
 * `profiles/app/profile`, `profiles/app/permissions`, `profiles/app/versions/@/version` (@: the version that there is),
 * `jobs/<id>`, `tokens/<digest>`, `revocations`, `principals`; or `job`, a job as a signing service sends it.
 *
 * What must hold: nothing crashes; what cannot be read says why; nobody is let in by a file that is not well formed;
 * a job that is read is printed as a text that reads as the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fuzz.h"
#include "signer/access.h"
#include "signer/signer.h"

#define ACCOUNT	 "111122223333"
#define PROFILE	 "app"
#define JOB_ID	 "621a6850-a128-42db-bc30-bd65cc54e187"
#define STRANGER 4242

static char home[128], pristine[128];
static char version[ARN_PROFILE_VERSION_SIZE];

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct explain why;
	struct signer *signer = NULL;
	struct signer_profile profile;
	log_set_level(LOG_LEVEL_ERROR);
	(void)snprintf(home, sizeof(home), "%s/home", fuzz_directory());
	(void)snprintf(pristine, sizeof(pristine), "%s/pristine", fuzz_directory());
	ASSERT(signer_create_account(pristine, ACCOUNT, SIGNER_REGION_DEFAULT, &why) == 0);
	ASSERT(signer_open(pristine, &signer, &why) == 0);
	ASSERT(signer_put_profile(signer, PROFILE, STATEMENT_PLATFORM, NULL, &profile, &why) == 0);
	memcpy(version, profile.arn.version, sizeof(version));
	signer_close(signer);
	return 0;
}

static void put_file(const struct fuzz_part *part)
{
	char name[FUZZ_NAME_SIZE + ARN_PROFILE_VERSION_SIZE];
	const char *at = strchr(part->name, '@');
	if (at)
		(void)snprintf(name, sizeof(name), "%.*s%s%s", (int)(at - part->name), part->name, version, at + 1);
	else
		(void)snprintf(name, sizeof(name), "%s", part->name);
	(void)fuzz_write_file(home, name, part->bytes, part->len, 0600);
}

/* ---- a job as text ---- */

static void try_job(const struct fuzz_part *part)
{
	struct buf text = {0}, first = {0}, second = {0};
	struct signer_job job, again;
	ASSERT(buf_append(&text, part->bytes, part->len) == 0);
	if (signer_parse_job(&text, &job) == 0) {
		ASSERT(signer_print_job(&job, &first) == 0 && signer_parse_job(&first, &again) == 0);
		ASSERT(signer_print_job(&again, &second) == 0);
		ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
		signer_job_done(&job);
		signer_job_done(&again);
	}
	buf_done(&text);
	buf_done(&first);
	buf_done(&second);
}

/* ---- the home ---- */

static int check_why(int r, const struct explain *why)
{
	ASSERT(r == 0 || why->text[0] != '\0');
	return r;
}

static void look_at_profiles(struct signer *signer)
{
	struct signer_profile *profiles = NULL, profile;
	struct explain why = {0};
	size_t count = 0;
	if (check_why(signer_get_profile(signer, PROFILE, &profile, &why), &why) == 0)
		ASSERT(strcmp(profile.arn.name, PROFILE) == 0 && signer_status_name(profile.status) &&
		       signer_unit_name(profile.validity.unit));
	why = (struct explain){0};
	if (check_why(signer_list_profiles(signer, &profiles, &count, &why), &why) == 0)
		free(profiles);
}

static void look_at_jobs(struct signer *signer)
{
	struct signer_job job, *jobs = NULL;
	struct explain why = {0}, damaged = {0};
	size_t count = 0;
	if (check_why(signer_describe_job(signer, JOB_ID, &job, &why), &why) == 0) {
		ASSERT(strcmp(job.arn.id, JOB_ID) == 0 && job.source && job.status_reason);
		signer_job_done(&job);
	}
	why = (struct explain){0};
	if (check_why(signer_list_jobs(signer, &jobs, &count, &damaged, &why), &why) == 0)
		signer_jobs_free(jobs, count);
}

static bool in_group(void *ctx UNUSED, gid_t group)
{
	return group == STRANGER;
}

static void look_at_access(struct signer *signer)
{
	struct signer_permissions permissions = {0};
	struct signer_caller caller;
	struct explain why = {0};
	bool is_readable = check_why(signer_list_permissions(signer, PROFILE, &permissions, &why), &why) == 0;
	size_t count = permissions.count;
	if (is_readable)
		signer_permissions_done(&permissions);
	why = (struct explain){0};
	if (check_why(signer_identify(signer, STRANGER, in_group, NULL, &caller, &why), &why) < 0)
		return;
	ASSERT(!caller.is_owner && arn_is_account(caller.account, strlen(caller.account)));
	for (enum signer_action action = SIGNER_START_SIGNING_JOB; action <= SIGNER_REVOKE_SIGNATURE; action++) {
		why = (struct explain){0};
		int r = check_why(signer_authorize(signer, &caller, PROFILE, NULL, action, &why), &why);
		ASSERT(r < 0 || (is_readable && count > 0)); /* a stranger, of whatever account, needs a statement */
		ASSERT(r < 0 || signer_is_visible(signer, &caller, PROFILE));
	}
}

static void look_at_revocations(struct signer *signer)
{
	struct revocation_list *list = NULL;
	struct explain why = {0};
	if (check_why(signer_read_revocations(signer, &list, &why), &why) == 0)
		ASSERT(strcmp(list->account, signer_scope(signer)->account) == 0);
	revocation_list_free(list);
}

static void look_around(void)
{
	struct signer *signer = NULL;
	struct explain why = {0};
	if (check_why(signer_open(home, &signer, &why), &why) < 0)
		return;
	look_at_profiles(signer);
	look_at_jobs(signer);
	look_at_access(signer);
	look_at_revocations(signer);
	signer_close(signer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_part part;
	bool has_files = false;
	fuzz_copy_tree(pristine, home);
	while (fuzz_next_part(&data, &size, &part)) {
		if (strcmp(part.name, "job") == 0) {
			try_job(&part);
		} else {
			put_file(&part);
			has_files = true;
		}
	}
	if (has_files)
		look_around();
	fuzz_remove_tree(home);
	return 0;
}
