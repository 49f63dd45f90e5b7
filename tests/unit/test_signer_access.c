/* Who a caller is, and what a statement lets him do: every combination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signer/access.h"
#include "signer_fixture.h"

#define OTHER "555555555555"
#define THIRD "666666666666"

#define NOBODY_NAMED 4000 /* in no section */
#define OTHER_USER   4001
#define OTHER_GROUP  5001
#define THIRD_GROUP  5002

/* in_group's ctx: the groups of the caller, ended by 0 */
static bool is_among(void *ctx, gid_t group)
{
	for (const gid_t *groups = ctx; *groups; groups++)
		if (*groups == group)
			return true;
	return false;
}

static struct signer_caller identify(struct signer_fixture *f, uid_t uid, gid_t *groups)
{
	struct signer_caller caller = {0};
	if (signer_identify(f->signer, uid, is_among, groups, &caller, &f->why) < 0)
		fail_msg("%s", f->why.text);
	return caller;
}

static void write_principals(struct signer_fixture *f, const char *text)
{
	signer_fixture_write(f, "home/principals", text, strlen(text));
	assert_int_equal(chmod(signer_fixture_path(f, "home/principals"), 0644), 0);
}

static void write_good_principals(struct signer_fixture *f)
{
	write_principals(f, "# who acts for other accounts\n"
			    "[principal " THIRD "]\ngroup = 5002\n"
			    "[principal " OTHER "]\nuser = 4001\ngroup = 5001\n");
}

static void add(struct signer_fixture *f, const char *id, const char *action, const char *principal,
		const char *version)
{
	struct signer_statement statement;
	char revision[SIGNER_REVISION_ID_SIZE];
	assert_int_equal(signer_make_statement(id, action, principal, version, &statement, &f->why), 0);
	if (signer_add_permission(f->signer, "release", &statement, NULL, revision, &f->why) < 0)
		fail_msg("%s", f->why.text);
}

/* ---- who ---- */

static void test_identify(void **state)
{
	static const struct {
		uid_t uid;
		gid_t groups[3];
		const char *account;
	} rows[] = {
		{NOBODY_NAMED, {0}, FIXTURE_ACCOUNT},
		{NOBODY_NAMED, {5000, 0}, FIXTURE_ACCOUNT},
		{OTHER_GROUP, {0}, FIXTURE_ACCOUNT}, /* a number of a group is no user */
		{NOBODY_NAMED, {OTHER_USER, 0}, FIXTURE_ACCOUNT},
		{OTHER_USER, {0}, OTHER},
		{OTHER_USER, {THIRD_GROUP, 0}, OTHER}, /* user before group */
		{NOBODY_NAMED, {OTHER_GROUP, 0}, OTHER},
		{NOBODY_NAMED, {THIRD_GROUP, 0}, THIRD},
		{NOBODY_NAMED, {THIRD_GROUP, OTHER_GROUP, 0}, OTHER}, /* by account, whatever the order */
		{NOBODY_NAMED, {OTHER_GROUP, THIRD_GROUP, 0}, OTHER},
	};
	struct signer_fixture *f = *state;
	write_good_principals(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gid_t groups[3];
		memcpy(groups, rows[i].groups, sizeof(groups));
		struct signer_caller caller = identify(f, rows[i].uid, groups);
		if (strcmp(caller.account, rows[i].account) != 0 || caller.is_owner)
			fail_msg("row %zu: account %s, owner %d", i, caller.account, caller.is_owner);
	}
	struct signer_caller caller;
	assert_int_equal(signer_identify(f->signer, OTHER_USER, NULL, NULL, &caller, &f->why), 0);
	assert_string_equal(caller.account, OTHER);
	assert_int_equal(signer_identify(f->signer, NOBODY_NAMED, NULL, NULL, &caller, &f->why), 0);
	assert_string_equal(caller.account, FIXTURE_ACCOUNT);
}

static void test_owner_and_root(void **state)
{
	struct signer_fixture *f = *state;
	gid_t none[] = {0};
	uid_t owner = geteuid();
	if (owner == 0) { /* let them be two */
		owner = OTHER_USER;
		assert_int_equal(chown(f->home, owner, (gid_t)-1), 0);
	}
	write_good_principals(f);
	const uid_t uids[] = {0, owner};
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		struct signer_caller caller = identify(f, uids[i], none);
		assert_true(caller.is_owner);
		assert_string_equal(caller.account, FIXTURE_ACCOUNT); /* though principals names him */
	}
	assert_false(identify(f, NOBODY_NAMED, none).is_owner);
}

static void test_no_principals_file(void **state)
{
	struct signer_fixture *f = *state;
	gid_t groups[] = {OTHER_GROUP, 0};
	assert_string_equal(identify(f, OTHER_USER, groups).account, FIXTURE_ACCOUNT);
	write_good_principals(f);
	assert_string_equal(identify(f, OTHER_USER, groups).account, OTHER);
	assert_int_equal(unlink(signer_fixture_path(f, "home/principals")), 0);
	write_principals(f, "");
	assert_string_equal(identify(f, OTHER_USER, groups).account, FIXTURE_ACCOUNT);
}

/* Nobody is let in but the owner; the caller stays unwritten. */
static void check_locked_out(struct signer_fixture *f, int error, const char *says)
{
	gid_t groups[] = {OTHER_GROUP, 0};
	struct signer_caller caller = {.account = "unwritten"};
	assert_int_equal(signer_identify(f->signer, OTHER_USER, is_among, groups, &caller, &f->why), error);
	if (!strstr(f->why.text, says))
		fail_msg("\"%s\" is not in \"%s\"", says, f->why.text);
	assert_non_null(strstr(f->why.text, "principals"));
	assert_string_equal(caller.account, "unwritten");
	assert_false(caller.is_owner);
	assert_true(identify(f, 0, groups).is_owner);
}

static void test_wrong_principals_file(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"[principal 5555]\nuser = 4001\n", "principals:1: "},
		{"[principal " OTHER "]\n", "names no user and no group"},
		{"[principal " OTHER "]\nusers = 4001\n", "unknown key \"users\""},
		{"[principal " OTHER "]\nuser = no-such-user-here\n", "no-such-user-here"},
		{"[principal " OTHER "]\nuser = 4001\n[principal " THIRD "]\nuser = 4001\n", "expected in one"},
		{"[account " OTHER "]\ncertificate = /x.pem\n", "[account " OTHER "] does not belong here"},
		{"[vouchfs]\naccount = " OTHER "\n", "[vouchfs] does not belong here"},
		{"user = 4001\n", "principals:1: "},
	};
	struct signer_fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_principals(f, rows[i].text);
		check_locked_out(f, -EINVAL, rows[i].says);
	}
	/* every error in one line */
	write_principals(f, "[principal 1]\nuser = 1\n[principal 2]\nuser = 2\n");
	check_locked_out(f, -EINVAL, "principals:3: ");
	assert_null(strchr(f->why.text, '\n'));

	write_good_principals(f);
	assert_int_equal(chmod(signer_fixture_path(f, "home/principals"), 0666), 0);
	check_locked_out(f, -EINVAL, "chmod go-w");
	assert_int_equal(unlink(signer_fixture_path(f, "home/principals")), 0);
	assert_int_equal(symlink("lost", signer_fixture_path(f, "home/principals")), 0);
	check_locked_out(f, -ENOENT, "No such file");
}

/* ---- what: each caller, each statement, each action ---- */

enum who { OWNER, OWN_ACCOUNT, BY_USER, BY_GROUP, BY_THIRD_GROUP, WHO_COUNT };

struct what {
	const char *name;
	const char *principal; /* NULL: there is no statement */
	enum { EVERY, CURRENT, OLD } version;
};

static const struct what whats[] = {
	{"no statement", NULL, EVERY},
	{"the home's account", FIXTURE_ACCOUNT, EVERY},
	{"the home's account, current version", FIXTURE_ACCOUNT, CURRENT},
	{"the home's account, old version", FIXTURE_ACCOUNT, OLD},
	{"another account", OTHER, EVERY},
	{"another account, current version", OTHER, CURRENT},
	{"another account, old version", OTHER, OLD},
};

/* Y: may; with the current version, with the old one.*/
static const char *const expected[ARRAY_SIZE(whats)][WHO_COUNT] = {
	/* owner, own, user, group, third */
	{"YY", "--", "--", "--", "--"}, /* no statement */
	{"YY", "YY", "--", "--", "--"}, /* own */
	{"YY", "Y-", "--", "--", "--"}, /* own, current */
	{"YY", "-Y", "--", "--", "--"}, /* own, old */
	{"YY", "--", "YY", "YY", "--"}, /* other */
	{"YY", "--", "Y-", "Y-", "--"}, /* other, current */
	{"YY", "--", "-Y", "-Y", "--"}, /* other, old */
};

static const char *const actions[] = {"signer:StartSigningJob", "signer:SignPayload", "signer:GetSigningProfile",
				      "signer:RevokeSignature"};

struct scene {
	struct signer_fixture *f;
	struct signer_profile old, current;
	struct signer_caller callers[WHO_COUNT];
};

static void make_scene(struct signer_fixture *f, struct scene *scene)
{
	gid_t none[] = {0}, other[] = {OTHER_GROUP, 0}, third[] = {THIRD_GROUP, 0};
	scene->f = f;
	scene->old = signer_fixture_profile(f, "release");
	scene->current = signer_fixture_profile(f, "release");
	write_good_principals(f);
	scene->callers[OWNER] = identify(f, geteuid(), none);
	scene->callers[OWN_ACCOUNT] = identify(f, NOBODY_NAMED, none);
	scene->callers[BY_USER] = identify(f, OTHER_USER, none);
	scene->callers[BY_GROUP] = identify(f, NOBODY_NAMED, other);
	scene->callers[BY_THIRD_GROUP] = identify(f, NOBODY_NAMED, third);
}

static void check(const struct scene *scene, size_t what, enum who who, const char *granted, const char *asked)
{
	struct signer_fixture *f = scene->f;
	const struct signer_caller *caller = &scene->callers[who];
	const char *cell = expected[what][who];
	bool is_same_action = strcmp(granted, asked) == 0;
	enum signer_action action;
	assert_true(signer_parse_action(asked, &action));
	const char *versions[] = {NULL, scene->current.arn.version, scene->old.arn.version};
	for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
		bool may = who == OWNER || (is_same_action && cell[v == 2] == 'Y');
		int r = signer_authorize(f->signer, caller, "release", versions[v], action, &f->why);
		if (r != (may ? 0 : -EACCES))
			fail_msg("%s, granted %s: caller %d asks %s, version %zu: %d", whats[what].name, granted,
				 (int)who, asked, v, r);
	}
}

static void test_truth_table(void **state)
{
	struct scene scene;
	make_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	for (size_t what = 0; what < ARRAY_SIZE(whats); what++)
		for (size_t granted = 0; granted < ARRAY_SIZE(actions); granted++) {
			(void)unlink(signer_fixture_path(f, "home/profiles/release/permissions"));
			const char *versions[] = {NULL, scene.current.arn.version, scene.old.arn.version};
			if (whats[what].principal)
				add(f, "s", actions[granted], whats[what].principal, versions[whats[what].version]);
			for (enum who who = OWNER; who < WHO_COUNT; who++) {
				for (size_t asked = 0; asked < ARRAY_SIZE(actions); asked++)
					check(&scene, what, who, actions[granted], actions[asked]);
				bool sees = strcmp(expected[what][who], "--") != 0;
				assert_int_equal(signer_is_visible(f->signer, &scene.callers[who], "release"), sees);
			}
		}
}

static void test_several_statements(void **state)
{
	struct scene scene;
	make_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	add(f, "a", "signer:RevokeSignature", OTHER, NULL);
	add(f, "b", "signer:StartSigningJob", THIRD, NULL);
	add(f, "c", "signer:StartSigningJob", OTHER, scene.old.arn.version);
	add(f, "d", "signer:StartSigningJob", OTHER, scene.current.arn.version);
	assert_int_equal(signer_authorize(f->signer, &scene.callers[BY_USER], "release", NULL, SIGNER_START_SIGNING_JOB,
					  &f->why),
			 0);
	assert_int_equal(signer_authorize(f->signer, &scene.callers[BY_THIRD_GROUP], "release", NULL,
					  SIGNER_REVOKE_SIGNATURE, &f->why),
			 -EACCES);
}

/* The refusal tells the command that helps, and it does help, also when its statement id is taken. */
static void test_the_refusal_says_what_to_do(void **state)
{
	struct scene scene;
	make_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	const struct signer_caller *caller = &scene.callers[BY_USER];
	add(f, "StartSigningJob-" OTHER, "signer:StartSigningJob", OTHER, scene.old.arn.version);
	assert_int_equal(signer_authorize(f->signer, caller, "release", NULL, SIGNER_START_SIGNING_JOB, &f->why),
			 -EACCES);

	char says[EXPLAIN_MAX], id[SIGNER_STATEMENT_ID_SIZE];
	(void)snprintf(says, sizeof(says),
		       "account " OTHER " has no permission for signer:StartSigningJob with profile release, version "
		       "%s of account " FIXTURE_ACCOUNT,
		       scene.current.arn.version);
	assert_non_null(strstr(f->why.text, says));
	const char *command = strstr(f->why.text, "vouchfs signer add-profile-permission --profile-name release "
						  "--action signer:StartSigningJob --principal " OTHER);
	assert_non_null(command);
	assert_int_equal(sscanf(strstr(command, "--statement-id"), "--statement-id %64s", id), 1);
	add(f, id, "signer:StartSigningJob", OTHER, NULL);
	assert_int_equal(signer_authorize(f->signer, caller, "release", NULL, SIGNER_START_SIGNING_JOB, &f->why), 0);
}

static void test_what_is_not_there(void **state)
{
	struct scene scene;
	make_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	const struct signer_caller *caller = &scene.callers[BY_USER];
	assert_int_equal(signer_authorize(f->signer, caller, "missing", NULL, SIGNER_START_SIGNING_JOB, &f->why),
			 -EACCES);
	assert_int_equal(signer_authorize(f->signer, caller, "../release", NULL, SIGNER_START_SIGNING_JOB, &f->why),
			 -EINVAL);
	assert_false(signer_is_visible(f->signer, caller, "missing"));
	assert_false(signer_is_visible(f->signer, caller, "../release"));
	assert_false(signer_is_visible(f->signer, &scene.callers[OWNER], "missing"));
	assert_true(signer_is_visible(f->signer, &scene.callers[OWNER], "release"));
}

/* A file that cannot be understood lets nobody past, not even whom it names. */
static void test_damaged_statements(void **state)
{
	struct scene scene;
	make_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	const struct signer_caller *caller = &scene.callers[BY_USER];
	add(f, "a", "signer:StartSigningJob", OTHER, NULL);
	struct buf good = signer_fixture_read(f, "home/profiles/release/permissions");
	assert_true(signer_is_visible(f->signer, caller, "release"));
	signer_fixture_write(f, "home/profiles/release/permissions", good.data, good.len - 1);
	assert_int_equal(signer_authorize(f->signer, caller, "release", NULL, SIGNER_START_SIGNING_JOB, &f->why), -EIO);
	assert_false(signer_is_visible(f->signer, caller, "release"));
	buf_done(&good);
}

/* ---- what callers do ---- */

static int sign_as(struct scene *scene, enum who who, const char *token, struct signer_job *ret)
{
	struct signer_fixture *f = scene->f;
	struct signer_job_request request = {
		.content = SIGNATURE_OF_ARTIFACT,
		.caller = &scene->callers[who],
		.profile_name = "release",
		.source_path = signer_fixture_path(f, "in.zip"),
		.output_path = signer_fixture_path(f, "out.zip"),
		.client_request_token = token,
		.max_artifact_bytes = 1 << 20,
		.max_unpacked_bytes = 1 << 20,
	};
	return signer_start_job(f->signer, &request, ret, NULL, &f->why);
}

static void make_signing_scene(struct signer_fixture *f, struct scene *scene)
{
	make_scene(f, scene);
	struct buf zip = signer_fixture_zip("");
	signer_fixture_write(f, "in.zip", zip.data, zip.len);
	buf_done(&zip);
}

static void test_sign(void **state)
{
	struct scene scene;
	struct signer_job job;
	make_signing_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	add(f, "old", "signer:StartSigningJob", OTHER, scene.old.arn.version);
	add(f, "get", "signer:GetSigningProfile", OTHER, NULL);
	assert_int_equal(sign_as(&scene, BY_USER, NULL, &job), -EACCES);
	assert_int_equal(sign_as(&scene, OWN_ACCOUNT, NULL, &job), -EACCES);
	assert_int_equal(signer_fixture_count(f, "home/jobs"), 0); /* what is refused is no job */
	assert_false(signer_fixture_exists(f, "out.zip"));

	add(f, "sign", "signer:StartSigningJob", OTHER, NULL);
	assert_int_equal(sign_as(&scene, BY_GROUP, NULL, &job), 0);
	assert_string_equal(job.requested_by, OTHER);
	assert_string_equal(job.job_invoker, OTHER);
	assert_string_equal(job.arn.scope.account, FIXTURE_ACCOUNT);
	assert_true(arn_profile_equal(&job.profile_version, &scene.current.arn));
	signer_job_done(&job);
	assert_int_equal(sign_as(&scene, OWNER, NULL, &job), 0);
	assert_string_equal(job.job_invoker, FIXTURE_ACCOUNT);
	signer_job_done(&job);
	assert_int_equal(sign_as(&scene, OWN_ACCOUNT, NULL, &job), -EACCES);
}

/* A token is the account's own, and answers nobody whose permission is gone. */
static void test_tokens(void **state)
{
	struct scene scene;
	struct signer_job mine, owners, again;
	make_signing_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	add(f, "sign", "signer:StartSigningJob", OTHER, NULL);
	add(f, "sign3", "signer:StartSigningJob", THIRD, NULL);
	assert_int_equal(sign_as(&scene, OWNER, "build-7", &owners), 0);
	assert_int_equal(sign_as(&scene, BY_USER, "build-7", &mine), 0);
	assert_string_not_equal(mine.arn.id, owners.arn.id);
	assert_int_equal(sign_as(&scene, BY_GROUP, "build-7", &again), 0);
	assert_string_equal(again.arn.id, mine.arn.id);
	signer_job_done(&again);
	assert_int_equal(sign_as(&scene, BY_THIRD_GROUP, "build-7", &again), 0);
	assert_string_not_equal(again.arn.id, mine.arn.id);
	signer_job_done(&again);
	(void)unlink(signer_fixture_path(f, "home/profiles/release/permissions"));
	assert_int_equal(sign_as(&scene, BY_USER, "build-7", &again), -EACCES);
	signer_job_done(&mine);
	signer_job_done(&owners);
}

static void check_revoked_by(struct signer_fixture *f, const char *id, const char *account)
{
	struct signer_job job;
	assert_int_equal(signer_describe_job(f->signer, id, &job, &f->why), 0);
	assert_int_equal(job.revoked, account != NULL);
	if (account)
		assert_string_equal(job.revoked_by, account);
	signer_job_done(&job);
}

static void test_revoke(void **state)
{
	struct scene scene;
	struct signer_job mine, owners;
	make_signing_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	const struct signer_caller *other = &scene.callers[BY_USER];
	add(f, "sign", "signer:StartSigningJob", OTHER, NULL);
	assert_int_equal(sign_as(&scene, BY_USER, NULL, &mine), 0);
	assert_int_equal(sign_as(&scene, OWNER, NULL, &owners), 0);

	assert_int_equal(signer_revoke_signature(f->signer, other, mine.arn.id, "leak", &f->why), -EACCES);
	assert_non_null(strstr(f->why.text, "--action signer:RevokeSignature"));
	add(f, "revoke-old", "signer:RevokeSignature", OTHER, scene.old.arn.version);
	assert_int_equal(signer_revoke_signature(f->signer, other, mine.arn.id, "leak", &f->why), -EACCES);
	check_revoked_by(f, mine.arn.id, NULL);

	/* a new version does not take away the permission for the one that signed */
	add(f, "revoke", "signer:RevokeSignature", OTHER, scene.current.arn.version);
	(void)signer_fixture_profile(f, "release");
	assert_int_equal(signer_revoke_signature(f->signer, other, owners.arn.id, "leak", &f->why), -EACCES);
	assert_non_null(strstr(f->why.text, "was not started by account " OTHER));
	check_revoked_by(f, owners.arn.id, NULL);
	assert_int_equal(signer_revoke_signature(f->signer, other, mine.arn.id, "leak", &f->why), 0);
	check_revoked_by(f, mine.arn.id, OTHER);

	assert_int_equal(signer_revoke_signature(f->signer, &scene.callers[OWNER], owners.arn.id, "x", &f->why), 0);
	check_revoked_by(f, owners.arn.id, FIXTURE_ACCOUNT);
	/* again, by another one: nothing changes */
	assert_int_equal(signer_revoke_signature(f->signer, NULL, mine.arn.id, "x", &f->why), 0);
	check_revoked_by(f, mine.arn.id, OTHER);
	signer_job_done(&mine);
	signer_job_done(&owners);
}

static void test_cancelled_and_revoked_profiles(void **state)
{
	struct scene scene;
	struct signer_job job, none;
	make_signing_scene(*state, &scene);
	struct signer_fixture *f = scene.f;
	add(f, "sign", "signer:StartSigningJob", OTHER, NULL);
	add(f, "revoke", "signer:RevokeSignature", OTHER, NULL);
	assert_int_equal(sign_as(&scene, BY_USER, NULL, &job), 0);
	assert_int_equal(signer_cancel_profile(f->signer, "release", &f->why), 0);
	assert_int_equal(sign_as(&scene, BY_USER, NULL, &none), -EINVAL);
	assert_non_null(strstr(f->why.text, "is Canceled and signs no more"));
	assert_int_equal(sign_as(&scene, OWNER, NULL, &none), -EINVAL);
	check_revoked_by(f, job.arn.id, NULL); /* still good */
	assert_true(signer_is_visible(f->signer, &scene.callers[BY_USER], "release"));
	assert_int_equal(signer_revoke_signature(f->signer, &scene.callers[BY_USER], job.arn.id, "x", &f->why), 0);
	signer_job_done(&job);

	assert_int_equal(signer_revoke_profile_version(f->signer, "release", scene.current.arn.version, "key lost",
						       FIXTURE_NOW_S, &f->why),
			 0);
	assert_int_equal(sign_as(&scene, BY_USER, NULL, &none), -EINVAL);
	assert_non_null(strstr(f->why.text, "is Revoked and signs no more"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, signer_setup, signer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identify),
		TEST(test_owner_and_root),
		TEST(test_no_principals_file),
		TEST(test_wrong_principals_file),
		TEST(test_truth_table),
		TEST(test_several_statements),
		TEST(test_the_refusal_says_what_to_do),
		TEST(test_what_is_not_there),
		TEST(test_damaged_statements),
		TEST(test_sign),
		TEST(test_tokens),
		TEST(test_revoke),
		TEST(test_cancelled_and_revoked_profiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
