#include "views_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"

#define DATA	   "tests/data/overview/" /* tests run at the top of the project */
#define GOLDEN_MAX (1024U * 1024U)
#define DAY_S	   86400
#define PROFILES   "arn:vouchfs:signer:local:" OVERVIEW_FIXTURE_ACCOUNT ":/signing-profiles/"

#define set overview_fixture_set

/* ---- publishers ---- */

void views_fixture_add_publisher(struct overview_config *config, const char *arn)
{
	char **all = reallocarray(config->publishers, config->publisher_count + 1, sizeof(*all));
	assert_non_null(all);
	config->publishers = all;
	all[config->publisher_count] = NULL;
	set(&all[config->publisher_count++], arn);
}

void views_fixture_add_publishers(struct overview *overview)
{
	struct overview_config *config = &overview->configs[0];
	views_fixture_add_publisher(config, PROFILES "nightly");
	views_fixture_add_publisher(config, PROFILES "release/AAAAAAAAAA");
	views_fixture_add_publisher(config,
				    "arn:vouchfs:signer:local:999999999999:/signing-profiles/vendor/BBBBBBBBBB");
}

static void add_statement(struct overview_profile *profile, const char *principal, const char *action, const char *id)
{
	struct overview_statement *statement = overview_add_statement(profile);
	assert_non_null(statement);
	set(&statement->principal, principal);
	set(&statement->action, action);
	set(&statement->id, id);
}

struct overview_signers *views_fixture_signers(void)
{
	struct overview_signers *signers = overview_signers_new();
	assert_non_null(signers);
	set(&signers->account, OVERVIEW_FIXTURE_ACCOUNT);
	set(&signers->source, "home /var/lib/vouchfs-signer");
	struct overview_profile *profile = overview_add_profile(signers);
	assert_non_null(profile);
	set(&profile->name, "release");
	set(&profile->version, "CvHbgWCCfY");
	set(&profile->status, "Active");
	add_statement(profile, OVERVIEW_FIXTURE_ACCOUNT, "signer:StartSigningJob", "developers-may-sign");
	add_statement(profile, VIEWS_FIXTURE_OTHER_ACCOUNT, "signer:StartSigningJob", "contractors");
	add_statement(profile, VIEWS_FIXTURE_OTHER_ACCOUNT, "signer:RevokeSignature", "contractors-revoke");
	set(&profile->statements[2].version, "AAAAAAAAAA");
	profile = overview_add_profile(signers);
	assert_non_null(profile);
	set(&profile->name, "nightly");
	set(&profile->status, "Canceled");

	struct overview_revoked *revoked = overview_add_revoked(signers);
	assert_non_null(revoked);
	set(&revoked->profile_version_arn, PROFILES "release/AAAAAAAAAA");
	set(&revoked->reason, "the laptop with its key was stolen");
	revoked->effective_s = OVERVIEW_FIXTURE_NOW_S - 30 * DAY_S;
	revoked->revoked_at_s = OVERVIEW_FIXTURE_NOW_S - 29 * DAY_S;
	struct overview_origin *origin = overview_add_origin(signers);
	assert_non_null(origin);
	set(&origin->config, "strict");
	set(&origin->file, "/etc/vouchfs/conf.d/strict.conf");
	origin->line = 12;
	return signers;
}

/* ---- histories ---- */

static const char history_of_main[] =
	"{\"schema\": 1, \"function\": \"main\", \"current\": 3, \"releases\": ["
	"{\"release\": 3, \"releasedAt\": \"2026-11-19T20:00:00Z\", \"current\": true, \"blocked\": false,"
	" \"damaged\": false, \"outcome\": \"accepted\", \"reason\": null, \"artifact\": \"app.zip\","
	" \"layers\": [\"tools:3\", \"base:1\"], \"profileVersionArn\": \"" OVERVIEW_FIXTURE_PUBLISHER "\","
	" \"by\": {\"uid\": 1001, \"command\": \"rsync\"}, \"rollbackTo\": 1},"
	"{\"release\": 2, \"releasedAt\": \"2026-11-18T20:00:00Z\", \"current\": false, \"blocked\": true,"
	" \"damaged\": false, \"outcome\": \"warned\", \"reason\": \"VF2001\","
	" \"artifact\": \"<script>alert(1)</script>\\u202e.zip\","
	" \"layers\": [], \"profileVersionArn\": null, \"by\": {\"uid\": 0, \"command\": null}, \"rollbackTo\": null},"
	"{\"release\": 1, \"releasedAt\": \"2026-11-17T20:00:00Z\", \"artifact\": \"app.zip\"}]}";
static const char history_of_invoices[] =
	"{\"schema\": 1, \"function\": \"invoices\", \"releases\": ["
	"{\"release\": 3, \"releasedAt\": \"2026-11-19T20:00:00Z\", \"current\": true,"
	" \"damaged\": true, \"outcome\": \"accepted\", \"artifact\": \"a.zip\"}]}";

struct overview_histories *views_fixture_histories(void)
{
	struct overview_histories *histories = overview_histories_new();
	assert_non_null(histories);
	assert_int_equal(overview_add_history(histories, history_of_main, strlen(history_of_main), 2), 0);
	assert_int_equal(overview_add_history(histories, history_of_invoices, strlen(history_of_invoices), 2), 0);
	histories->left_out = 7;
	return histories;
}

/* ---- texts ---- */

void views_fixture_assert_fits(const struct buf *text)
{
	size_t column = 0;
	for (size_t i = 0; i < text->len; i++) {
		column = text->data[i] == '\n' ? 0 : column + ((text->data[i] & 0xc0) != 0x80);
		assert_true(column <= 80);
	}
}

/* So that the difference can be seen. */
static void keep(const struct buf *text, const char *name)
{
	const char *dir = getenv("TMPDIR");
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", dir ? dir : "/tmp", name);
	FILE *file = fopen(path, "w");
	if (!file)
		return;
	(void)fwrite(text->data, 1, text->len, file);
	(void)fclose(file);
	print_message("what came is in %s\n", path);
}

void views_fixture_compare(const struct buf *text, const char *name)
{
	char path[256];
	struct buf golden = {0};
	(void)snprintf(path, sizeof(path), DATA "%s", name);
	if (getenv("VOUCHFS_TEST_GOLDEN")) {
		assert_int_equal(io_write_file(AT_FDCWD, path, text->data, text->len, 0644, false), 0);
		return;
	}
	assert_int_equal(io_read_path(path, GOLDEN_MAX, &golden), 0);
	bool is_same = golden.len == text->len && memcmp(golden.data, text->data, text->len) == 0;
	buf_done(&golden);
	if (!is_same) {
		keep(text, name);
		fail_msg("the text is not that of %s", path);
	}
}
