#include "gate_fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "zip_builder.h"

static void write_config(struct gate_fixture *f)
{
	static const char format[] = "[vouchfs]\n"
				     "account = " GATE_FIXTURE_ACCOUNT "\n"
				     "region = local\n"
				     "store = %s/store\n"
				     "max_artifact_size = 65536\n"
				     "[account " GATE_FIXTURE_ACCOUNT "]\n"
				     "certificate = account.pem\n"
				     "revocations = account.revocations\n"
				     "[code-signing-config approved]\n"
				     "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				     "untrusted_artifact_on_deployment = Enforce\n"
				     "[code-signing-config watched]\n"
				     "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				     "untrusted_artifact_on_deployment = Warn\n"
				     "[code-signing-config other]\n"
				     "allowed_publisher = arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
				     ":/signing-profiles/other\n"
				     "untrusted_artifact_on_deployment = Warn\n"
				     "[function main]\n"
				     "code_signing_config = approved\n";
	struct buf text = {0};
	assert_int_equal(buf_printf(&text, format, f->dir), 0);
	gate_fixture_write(f, "vouchfs.conf", text.data, text.len);
	buf_done(&text);
}

int gate_fixture_setup(void **state)
{
	struct gate_fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	*state = f;
	const char *base = getenv("TMPDIR");
	if (snprintf(f->dir, sizeof(f->dir), "%s/vouchfs-gate-XXXXXX", base ? base : "/tmp") >= (int)sizeof(f->dir))
		return -1;
	f->dirfd = mkdtemp(f->dir) ? io_open_dir(f->dir) : -1;
	if (f->dirfd < 0)
		return -1;
	gate_fixture_set_clock(f, TRUST_FIXTURE_NOW_S);
	trust_fixture_init(&f->alice, GATE_FIXTURE_ACCOUNT, GATE_FIXTURE_PROFILE, GATE_FIXTURE_VERSION);
	struct buf pem = {0};
	trust_fixture_ca_pem(&f->alice, &pem);
	gate_fixture_write(f, "account.pem", pem.data, pem.len);
	buf_done(&pem);
	gate_fixture_put_list(f, 42, NULL);
	write_config(f);
	gate_fixture_open_store(f);
	return gate_fixture_load(f);
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

int gate_fixture_teardown(void **state)
{
	struct gate_fixture *f = *state;
	trust_unref(f->trust);
	gate_fixture_close_store(f);
	trust_fixture_done(&f->alice);
	buf_done(&f->errors);
	io_close(&f->dirfd);
	(void)unsetenv("VOUCHFS_TEST_CLOCK");
	(void)unsetenv("VOUCHFS_TEST_FAULT");
	int r = nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return r;
}

void gate_fixture_write(struct gate_fixture *f, const char *name, const void *bytes, size_t len)
{
	assert_int_equal(io_write_file(f->dirfd, name, bytes, len, 0600, false), 0);
}

void gate_fixture_set_clock(struct gate_fixture *f, int64_t at_s)
{
	char at[CLOCK_UTC_SIZE], path[128];
	clock_format_utc(at_s, at);
	gate_fixture_write(f, "clock", at, strlen(at));
	(void)snprintf(path, sizeof(path), "%s/clock", f->dir);
	assert_int_equal(setenv("VOUCHFS_TEST_CLOCK", path, 1), 0);
}

void gate_fixture_put_list(struct gate_fixture *f, uint64_t sequence, const struct revocation *entry)
{
	struct buf pem = {0};
	trust_fixture_list(&f->alice, sequence, entry, entry ? 1 : 0, &pem);
	gate_fixture_write(f, "account.revocations", pem.data, pem.len);
	buf_done(&pem);
}

void gate_fixture_open_store(struct gate_fixture *f)
{
	char path[128];
	struct explain why = {0};
	(void)snprintf(path, sizeof(path), "%s/store", f->dir);
	struct store_options options = {.path = path, .create = true};
	if (store_open(&options, &f->store, &why) != 0 ||
	    audit_open(store_audit_dirfd(f->store), false, &f->audit, &why) != 0)
		fail_msg("%s", why.text);
}

void gate_fixture_close_store(struct gate_fixture *f)
{
	audit_close(f->audit);
	store_close(f->store);
	f->audit = NULL;
	f->store = NULL;
}

int gate_fixture_load(struct gate_fixture *f)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->dir);
	trust_unref(f->trust);
	f->trust = NULL;
	buf_reset(&f->errors);
	return trust_load(path, f->store, &f->trust, &f->errors);
}

const struct config_code_signing *gate_fixture_rules(struct gate_fixture *f, const char *name)
{
	return name ? config_find_code_signing(f->trust->config, name) : NULL;
}

struct buf gate_fixture_zip(void)
{
	struct zip_builder z = {0};
	(void)zip_builder_add(&z, "app.py", "print('hello')\n");
	return zip_builder_finish(&z);
}

struct buf gate_fixture_signed_zip(struct gate_fixture *f)
{
	struct buf zip = gate_fixture_zip(), ret = {0};
	trust_fixture_sign_zip(&f->alice, zip.data, zip.len, &ret);
	buf_done(&zip);
	return ret;
}

struct gate_decision gate_fixture_judge(struct gate_fixture *f, const char *rules, const struct buf *zip, bool full)
{
	struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT, .file = io_reader_memory(&memory)};
	struct gate_decision decision;
	assert_int_equal(
		gate_judge(f->trust, gate_fixture_rules(f, rules), POLICY_ON_DEPLOYMENT, &artifact, full, &decision),
		0);
	return decision;
}

struct gate_decision gate_fixture_judge_layer(struct gate_fixture *f, const struct buf *zip)
{
	struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT, .file = io_reader_memory(&memory)};
	struct gate_decision decision;
	assert_int_equal(gate_judge_layer(f->trust, &artifact, &decision), 0);
	return decision;
}

void gate_fixture_assert_says(const struct buf *text, const char *part)
{
	if (!text->data || !strstr(text->data, part))
		fail_msg("%s\ndoes not say %s", text->data ? text->data : "", part);
}
