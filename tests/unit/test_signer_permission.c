/* Statements on profiles: what is added, removed and listed, revisions, refusals, and cancelling a profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signer/access.h"
#include "signer_fixture.h"

#define OTHER	    "555555555555"
#define START	    "signer:StartSigningJob"
#define PERMISSIONS "home/profiles/release/permissions"
#define NO_REVISION "621a6850-a128-42db-bc30-bd65cc54e187"

static void says(const struct signer_fixture *f, const char *text)
{
	if (!strstr(f->why.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, f->why.text);
}

static struct signer_statement make(const char *id, const char *version)
{
	struct signer_statement statement;
	assert_int_equal(signer_make_statement(id, START, OTHER, version, &statement, NULL), 0);
	return statement;
}

/* The new revision, or what add says. */
static int add(struct signer_fixture *f, const char *id, const char *revision, char ret[SIGNER_REVISION_ID_SIZE])
{
	const struct signer_statement statement = make(id, NULL);
	return signer_add_permission(f->signer, "release", &statement, revision, ret, &f->why);
}

static struct signer_permissions list(struct signer_fixture *f)
{
	struct signer_permissions permissions = {0};
	if (signer_list_permissions(f->signer, "release", &permissions, &f->why) < 0)
		fail_msg("%s", f->why.text);
	return permissions;
}

static void test_add_list_remove(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	char first[SIGNER_REVISION_ID_SIZE], second[SIGNER_REVISION_ID_SIZE], third[SIGNER_REVISION_ID_SIZE];
	const struct signer_statement narrowed = make("narrowed_1", profile.arn.version);
	assert_int_equal(add(f, "allow-dev", NULL, first), 0);
	assert_true(arn_is_uuid(first, strlen(first)));
	assert_int_equal(signer_add_permission(f->signer, "release", &narrowed, first, second, &f->why), 0);
	assert_string_not_equal(first, second);

	struct signer_permissions permissions = list(f);
	struct buf file = signer_fixture_read(f, PERMISSIONS);
	assert_string_equal(permissions.revision_id, second);
	assert_int_equal(permissions.size_bytes, file.len);
	assert_int_equal(permissions.count, 2);
	assert_string_equal(permissions.statements[0].id, "allow-dev");
	assert_int_equal(permissions.statements[0].action, SIGNER_START_SIGNING_JOB);
	assert_string_equal(permissions.statements[0].principal, OTHER);
	assert_string_equal(permissions.statements[0].version, "");
	assert_string_equal(permissions.statements[1].id, "narrowed_1");
	assert_string_equal(permissions.statements[1].version, profile.arn.version);
	signer_permissions_done(&permissions);
	buf_done(&file);

	assert_int_equal(signer_remove_permission(f->signer, "release", "allow-dev", second, third, &f->why), 0);
	assert_string_not_equal(second, third);
	permissions = list(f);
	assert_int_equal(permissions.count, 1);
	assert_string_equal(permissions.statements[0].id, "narrowed_1");
	assert_string_equal(permissions.revision_id, third);
	signer_permissions_done(&permissions);
}

/* Whoever did not see the last change is refused, and nothing changes by it. */
static void test_revisions(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	char first[SIGNER_REVISION_ID_SIZE], second[SIGNER_REVISION_ID_SIZE], none[SIGNER_REVISION_ID_SIZE] = "none";
	assert_int_equal(add(f, "a", NO_REVISION, none), -EEXIST);
	says(f, "leave --revision-id out");
	assert_int_equal(add(f, "a", NULL, first), 0);
	assert_int_equal(add(f, "b", first, second), 0);
	assert_int_equal(add(f, "c", first, none), -EEXIST);
	says(f, second);
	assert_int_equal(signer_remove_permission(f->signer, "release", "a", first, none, &f->why), -EEXIST);
	says(f, second);
	assert_int_equal(add(f, "c", "\x1b[31m", none), -EEXIST);
	says(f, "\\x1b[31m");
	assert_string_equal(none, "none");

	struct signer_permissions permissions = list(f);
	assert_int_equal(permissions.count, 2);
	assert_string_equal(permissions.revision_id, second);
	signer_permissions_done(&permissions);
}

/* The last statement goes, its revision stays. */
static void test_remove_the_last(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	char first[SIGNER_REVISION_ID_SIZE], second[SIGNER_REVISION_ID_SIZE], third[SIGNER_REVISION_ID_SIZE];
	struct signer_permissions permissions;
	assert_int_equal(signer_list_permissions(f->signer, "release", &permissions, &f->why), -ENOENT);
	assert_int_equal(signer_remove_permission(f->signer, "release", "a", NO_REVISION, first, &f->why), -ENOENT);
	says(f, "has no statement a");
	assert_int_equal(add(f, "a", NULL, first), 0);
	assert_int_equal(signer_remove_permission(f->signer, "release", "a", first, second, &f->why), 0);
	assert_int_equal(signer_list_permissions(f->signer, "release", &permissions, &f->why), -ENOENT);
	says(f, "has no permissions");
	assert_int_equal(signer_remove_permission(f->signer, "release", "a", second, third, &f->why), -ENOENT);
	assert_int_equal(add(f, "a", first, third), -EEXIST);
	assert_int_equal(add(f, "a", second, third), 0);
}

static void test_words(void **state)
{
	struct signer_fixture *f = *state;
	static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890_-A";
	static const struct {
		const char *id, *action, *principal, *version, *says;
	} bad[] = {
		{"", START, OTHER, NULL, "is no statement id; one has 1 to 64"},
		{"a b", START, OTHER, NULL, "is no statement id; one has 1 to 64"},
		{"a/b", START, OTHER, NULL, "is no statement id; one has 1 to 64"},
		{"0123456789012345678901234567890123456789012345678901234567890_-AB", START, OTHER, NULL, "1 to 64"},
		{"a", "", OTHER, NULL, "is none of signer:StartSigningJob, signer:SignPayload"},
		{"a", "signer:*", OTHER, NULL, "signer:GetSigningProfile, signer:RevokeSignature"},
		{"a", "StartSigningJob", OTHER, NULL, "is none of"},
		{"a", "signer:startsigningjob", OTHER, NULL, "is none of"},
		{"a", "\x1b[2J", OTHER, NULL, "\"\\x1b[2J\" is none of"},
		{"a", START, "", NULL, "is no account id"},
		{"a", START, "*", NULL, "is no account id"},
		{"a", START, "55555555555", NULL, "is no account id"},
		{"a", START, "5555555555555", NULL, "is no account id"},
		{"a", START, "arn:aws:iam::" OTHER ":role/dev", NULL, "there are no IAM roles"},
		{"a", START, "arn:aws:iam::" OTHER ":root", NULL, "write the account's 12 digits"},
		{"a", START, OTHER, "", "is no profile version; one has 10"},
		{"a", START, OTHER, "../../acco", "is no profile version; one has 10"},
	};
	struct signer_statement statement;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(signer_make_statement(bad[i].id, bad[i].action, bad[i].principal, bad[i].version,
						       &statement, &f->why),
				 -EINVAL);
		says(f, bad[i].says);
	}
	assert_int_equal(strlen(longest), 64);
	assert_int_equal(signer_make_statement(longest, START, OTHER, "a1B2c3D4e5", &statement, &f->why), 0);
	assert_string_equal(statement.id, longest);
	assert_string_equal(statement.version, "a1B2c3D4e5");

	enum signer_action action;
	static const char *const names[] = {START, "signer:SignPayload", "signer:GetSigningProfile",
					    "signer:RevokeSignature"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(signer_parse_action(names[i], &action));
		assert_string_equal(signer_action_name(action), names[i]);
	}
}

static void test_refusals(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	struct signer_profile elsewhere = signer_fixture_profile(f, "elsewhere");
	struct signer_permissions permissions;
	char revision[SIGNER_REVISION_ID_SIZE];
	struct signer_statement statement = make("a", NULL), foreign = make("b", elsewhere.arn.version);

	assert_int_equal(signer_add_permission(f->signer, "missing", &statement, NULL, revision, &f->why), -ENOENT);
	says(f, "profile with name missing does not exist in account " FIXTURE_ACCOUNT);
	assert_int_equal(signer_add_permission(f->signer, "../x", &statement, NULL, revision, &f->why), -EINVAL);
	assert_int_equal(signer_remove_permission(f->signer, "missing", "a", NO_REVISION, revision, &f->why), -ENOENT);
	assert_int_equal(signer_remove_permission(f->signer, "release", "a b", NO_REVISION, revision, &f->why),
			 -EINVAL);
	assert_int_equal(signer_list_permissions(f->signer, "missing", &permissions, &f->why), -ENOENT);
	assert_int_equal(signer_list_permissions(f->signer, "../x", &permissions, &f->why), -EINVAL);

	assert_int_equal(signer_add_permission(f->signer, "release", &foreign, NULL, revision, &f->why), -ENOENT);
	says(f, "profile release has no version");
	assert_false(signer_fixture_exists(f, PERMISSIONS));
	assert_int_equal(add(f, "a", NULL, revision), 0);
	assert_int_equal(add(f, "a", NULL, revision), -EEXIST);
	says(f, "has a statement a already");
	assert_int_equal(signer_remove_permission(f->signer, "release", "b", revision, revision, &f->why), -ENOENT);

	/* an old version is one as well */
	(void)signer_fixture_profile(f, "release");
	statement = make("old", profile.arn.version);
	assert_int_equal(signer_add_permission(f->signer, "release", &statement, NULL, revision, &f->why), 0);
}

static void test_no_more_than_the_limit(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct buf text = {0};
	assert_int_equal(buf_puts(&text, "vouchfs-profile-permissions: 1\nrevision-id: " NO_REVISION "\n"), 0);
	for (unsigned i = 0; i < SIGNER_STATEMENTS_MAX; i++)
		assert_int_equal(buf_printf(&text, "statement: s%u " START " " OTHER " *\n", i), 0);
	signer_fixture_write(f, PERMISSIONS, text.data, text.len);
	char revision[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(add(f, "one-more", NULL, revision), -E2BIG);
	says(f, "has 100 statements");
	assert_string_equal(signer_error_name(-E2BIG), "ServiceLimitExceededException");
	assert_int_equal(signer_remove_permission(f->signer, "release", "s50", NO_REVISION, revision, &f->why), 0);
	assert_int_equal(add(f, "one-more", revision, revision), 0);
	struct signer_permissions permissions = list(f);
	assert_int_equal(permissions.count, SIGNER_STATEMENTS_MAX);
	assert_string_equal(permissions.statements[50].id, "s51");
	assert_string_equal(permissions.statements[99].id, "one-more");
	signer_permissions_done(&permissions);
	buf_done(&text);
}

/* What is not understood is not written over. */
static void test_damaged(void **state)
{
#define HEAD "vouchfs-profile-permissions: 1\nrevision-id: " NO_REVISION "\n"
	static const char *const bad[] = {
		"",
		"vouchfs-profile-permissions: 2\nrevision-id: " NO_REVISION "\n",
		"vouchfs-profile-permissions: 1\nrevision-id: 7\n",
		HEAD "statement: a " START " " OTHER " *",
		HEAD "statement: a " START " " OTHER "\n",
		HEAD "statement: a " START " " OTHER " * more\n",
		HEAD "statement: a  " START " " OTHER " *\n",
		HEAD "statement: a signer:Everything " OTHER " *\n",
		HEAD "statement: a " START " * *\n",
		HEAD "statement: a " START " " OTHER " latest\n",
		HEAD "statement: a " START " " OTHER " *\nstatement: a " START " " OTHER " *\n",
		HEAD "scribble\nstatement: a " START " " OTHER " *\n",
	};
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	struct signer_permissions permissions;
	char revision[SIGNER_REVISION_ID_SIZE];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		signer_fixture_write(f, PERMISSIONS, bad[i], strlen(bad[i]));
		assert_int_equal(signer_list_permissions(f->signer, "release", &permissions, &f->why), -EIO);
		says(f, "profiles/release/permissions in the signer's home is damaged at");
		assert_int_equal(add(f, "b", NULL, revision), -EIO);
		struct buf file = signer_fixture_read(f, PERMISSIONS);
		assert_int_equal(file.len, strlen(bad[i]));
		buf_done(&file);
	}
	signer_fixture_write(f, PERMISSIONS, HEAD, strlen(HEAD));
	assert_int_equal(add(f, "b", NULL, revision), 0);
#undef HEAD
}

static int add_step(struct signer_fixture *f)
{
	char revision[SIGNER_REVISION_ID_SIZE];
	return add(f, "b", NULL, revision);
}

static void test_cut_off_at_every_call(void **state)
{
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	char first[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(add(f, "a", NULL, first), 0);
	for (unsigned n = 1;; n++) {
		char fault[32];
		(void)snprintf(fault, sizeof(fault), "*:%u:kill", n);
		int r = signer_fixture_run_with_fault(f, add_step, fault);
		struct signer_permissions permissions = list(f);
		bool is_old = strcmp(permissions.revision_id, first) == 0;
		size_t count = permissions.count;
		signer_permissions_done(&permissions);
		assert_int_equal(count, is_old ? 1 : 2);
		if (!is_old) {
			assert_true(n >= 4);
			break;
		}
		assert_int_equal(r, 1);
	}
}

/* Several at once: all of them count. */
static void test_at_once(void **state)
{
	enum { WRITERS = 4, EACH = 5 };
	struct signer_fixture *f = *state;
	(void)signer_fixture_profile(f, "release");
	pid_t pids[WRITERS];
	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		assert_true(pids[w] >= 0);
		for (int i = 0; pids[w] == 0 && i < EACH; i++) {
			char id[16], revision[SIGNER_REVISION_ID_SIZE];
			(void)snprintf(id, sizeof(id), "s-%d-%d", w, i);
			if (add(f, id, NULL, revision) < 0)
				_exit(1);
		}
		if (pids[w] == 0)
			_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;
		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	struct signer_permissions permissions = list(f);
	assert_int_equal(permissions.count, WRITERS * EACH);
	signer_permissions_done(&permissions);
}

static void check_status(struct signer_fixture *f, enum signer_profile_status status)
{
	struct signer_profile profile;
	assert_int_equal(signer_get_profile(f->signer, "release", &profile, &f->why), 0);
	assert_int_equal(profile.status, status);
}

static void test_cancel(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	char first[SIGNER_REVISION_ID_SIZE], second[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(signer_cancel_profile(f->signer, "missing", &f->why), -ENOENT);
	assert_int_equal(signer_cancel_profile(f->signer, "../x", &f->why), -EINVAL);
	assert_int_equal(add(f, "a", NULL, first), 0);
	assert_int_equal(signer_cancel_profile(f->signer, "release", &f->why), 0);
	check_status(f, SIGNER_PROFILE_CANCELED);
	assert_int_equal(signer_cancel_profile(f->signer, "release", &f->why), 0);
	check_status(f, SIGNER_PROFILE_CANCELED);

	/* the name is taken; permissions go, and none comes */
	assert_int_equal(signer_put_profile(f->signer, "release", FIXTURE_PLATFORM, NULL, &profile, &f->why), -EINVAL);
	assert_int_equal(add(f, "b", NULL, second), -EINVAL);
	says(f, "profile with name release is Canceled");
	assert_int_equal(signer_remove_permission(f->signer, "release", "a", first, second, &f->why), 0);
}

static void test_a_revoked_profile_cannot_be_cancelled(void **state)
{
	struct signer_fixture *f = *state;
	struct signer_profile profile = signer_fixture_profile(f, "release");
	char revision[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(signer_revoke_profile_version(f->signer, "release", profile.arn.version, "key lost",
						       FIXTURE_NOW_S, &f->why),
			 0);
	assert_int_equal(signer_cancel_profile(f->signer, "release", &f->why), -EINVAL);
	says(f, "cannot be canceled: it has been revoked");
	check_status(f, SIGNER_PROFILE_REVOKED);
	assert_int_equal(add(f, "a", NULL, revision), -EINVAL);
	says(f, "is Revoked");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, signer_setup, signer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_add_list_remove),
		TEST(test_revisions),
		TEST(test_remove_the_last),
		TEST(test_words),
		TEST(test_refusals),
		TEST(test_no_more_than_the_limit),
		TEST(test_damaged),
		TEST(test_cut_off_at_every_call),
		TEST(test_at_once),
		TEST(test_cancel),
		TEST(test_a_revoked_profile_cannot_be_cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
