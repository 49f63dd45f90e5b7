#include "governed_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zip_builder.h"

#define SIGNED_BEHIND 2 /* the comment's length is not signed */

const char governed_fixture_publisher[] = "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT
					  ":/signing-profiles/" GATE_FIXTURE_PROFILE;

static const char usual_conf[] = "[code-signing-config approved]\n"
				 "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				 "untrusted_artifact_on_deployment = Enforce\n"
				 "[function web]\n"
				 "code_signing_config = approved\n";

void governed_fixture_configure(struct gate_fixture *f, const char *publisher, const char *more)
{
	struct buf text = {0};
	assert_int_equal(buf_printf(&text,
				    "[vouchfs]\naccount = " GATE_FIXTURE_ACCOUNT "\nregion = local\nstore = %s/store\n"
				    "[account " GATE_FIXTURE_ACCOUNT "]\ncertificate = account.pem\n"
				    "revocations = account.revocations\n"
				    "[policy]\npublisher = %s\nhost = web-1\nlabel = eu\n%s",
				    f->dir, publisher, more),
			 0);
	gate_fixture_write(f, "vouchfs.conf", text.data, text.len);
	buf_done(&text);
}

int governed_fixture_setup(void **state)
{
	int r = gate_fixture_setup(state);
	if (r < 0)
		return r;
	governed_fixture_configure(*state, governed_fixture_publisher, "");
	return gate_fixture_load(*state);
}

/* The account that the config names: its certificate, and its list, brought or the host's file. */
static void add_trust(struct gate_fixture *f, const struct bundle_spec *spec, struct zip_builder *z, struct buf *conf)
{
	struct buf pem = {0};
	assert_int_equal(
		buf_puts(conf, "[account " GATE_FIXTURE_ACCOUNT "]\ncertificate = trust/account.pem\nrevocations = "),
		0);
	if (spec->list) {
		assert_int_equal(buf_puts(conf, "trust/account.revocations\n"), 0);
		(void)zip_builder_add(z, "trust/account.revocations", spec->list);
	} else {
		assert_int_equal(buf_printf(conf, "%s/account.revocations\n", f->dir), 0);
	}
	if (spec->has_no_certificate)
		return;
	trust_fixture_ca_pem(&f->alice, &pem);
	(void)zip_builder_add_file(z, "trust/account.pem", pem.data, pem.len, ZIP_BUILDER_STORED, 0644);
	buf_done(&pem);
}

static struct buf unsigned_bundle(struct gate_fixture *f, const struct bundle_spec *spec)
{
	struct zip_builder z = {0};
	struct buf terms = {0}, conf = {0};
	assert_int_equal(buf_printf(&terms, "[policy]\nsequence = %llu\n%s", (unsigned long long)spec->sequence,
				    spec->terms ? spec->terms : ""),
			 0);
	assert_int_equal(buf_puts(&conf, spec->conf ? spec->conf : usual_conf), 0);
	(void)zip_builder_add(&z, "policy.conf", terms.data);
	add_trust(f, spec, &z, &conf);
	(void)zip_builder_add(&z, "conf.d/web.conf", conf.data);
	buf_done(&terms);
	buf_done(&conf);
	return zip_builder_finish(&z);
}

static void sign(const struct bundle_spec *spec, const struct trust_fixture *signer, const struct buf *zip,
		 struct buf *ret)
{
	struct statement statement = trust_fixture_statement(signer, zip->data, zip->len - SIGNED_BEHIND);
	const struct crypto_cert *chain[] = {signer->leaf};
	enum signature_content content = spec->content ? spec->content : SIGNATURE_OF_BUNDLE;
	struct buf comment = {0};
	struct explain why = {0};
	if (spec->expires_at_s)
		statement.expires_at_s = spec->expires_at_s;
	if (signature_make(content, &statement, signer->key, chain, 1, &comment, &why) < 0)
		fail_msg("%s", why.text);
	trust_fixture_attach(zip->data, zip->len, &comment, ret);
	buf_done(&comment);
}

struct buf governed_fixture_bundle(struct gate_fixture *f, const struct bundle_spec *spec)
{
	struct buf zip = unsigned_bundle(f, spec), ret = {0};
	if (spec->is_unsigned)
		return zip;
	sign(spec, spec->signer ? spec->signer : &f->alice, &zip, &ret);
	buf_done(&zip);
	return ret;
}

static const char *config_path(const struct gate_fixture *f)
{
	static char path[128];
	(void)snprintf(path, sizeof(path), "%s/vouchfs.conf", f->dir);
	return path;
}

static struct gate_decision *judge(struct gate_fixture *f, const struct gate_artifact *artifact, bool is_rollback,
				   struct trust **ret_candidate)
{
	static struct gate_decision decision;
	int r = (is_rollback ? gate_judge_rollback : gate_judge_bundle)(f->trust, config_path(f), f->store, artifact,
									&decision, ret_candidate);
	assert_int_equal(r, 0);
	return &decision;
}

struct gate_decision *governed_fixture_judge(struct gate_fixture *f, const struct buf *zip, bool is_rollback,
					     struct trust **ret_candidate)
{
	struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct gate_artifact artifact = {.file = io_reader_memory(&memory)};
	return judge(f, &artifact, is_rollback, ret_candidate);
}

static void commit(struct gate_fixture *f, struct store_stage *stage, const struct buf *zip, struct trust *candidate,
		   const char *rollback_reason, struct gate_decision *decision)
{
	const struct audit_who who = {.uid = 1234, .gid = 1234, .pid = 1, .command = "cp"};
	struct buf about = {0};
	struct store_release *release = NULL;
	assert_int_equal(governed_about(candidate, rollback_reason, &about), 0);
	const struct gate_deployment deployment = {
		.function = STORE_POLICY_SLOT,
		.artifact_name = "policy.zip",
		.who = &who,
		.uid = who.uid,
		.rollback_told = rollback_reason,
		.about = about.data,
	};
	assert_int_equal(gate_commit(f->store, f->audit, stage, zip->data + decision->tail.comment_offset,
				     decision->tail.comment_len, &deployment, decision, &release),
			 0);
	governed_take_up(candidate, f->store, release);
	store_release_free(release);
	buf_done(&about);
}

void governed_fixture_apply(struct gate_fixture *f, const struct buf *zip, const char *rollback_reason)
{
	struct store_stage *stage = NULL;
	struct trust *candidate = NULL;
	assert_int_equal(store_stage_new(f->store, &stage), 0);
	assert_int_equal(store_stage_write(stage, zip->data, zip->len, 0), 0);
	const struct gate_artifact artifact = {.file = store_stage_reader(stage), .stage = stage};
	struct gate_decision *decision = judge(f, &artifact, rollback_reason != NULL, &candidate);
	if (!candidate)
		fail_msg("%s", decision->verdict.detail);
	commit(f, stage, zip, candidate, rollback_reason, decision);
	store_stage_free(stage);
	trust_unref(f->trust);
	f->trust = candidate;
}

void governed_fixture_apply_sequence(struct gate_fixture *f, uint64_t sequence)
{
	const struct bundle_spec spec = {.sequence = sequence};
	struct buf zip = governed_fixture_bundle(f, &spec);
	governed_fixture_apply(f, &zip, NULL);
	buf_done(&zip);
}

void governed_fixture_assert_refused(struct gate_fixture *f, const struct buf *zip, enum policy_reason reason,
				     const char *part)
{
	struct trust *candidate = NULL;
	const struct gate_decision *decision = governed_fixture_judge(f, zip, false, &candidate);
	assert_null(candidate);
	assert_int_equal(decision->verdict.outcome, POLICY_REFUSED);
	if (decision->verdict.reason != reason || !strstr(decision->verdict.detail, part))
		fail_msg("%d: %s\nis not %d: %s", (int)decision->verdict.reason, decision->verdict.detail, (int)reason,
			 part);
	assert_string_not_equal(decision->verdict.remedy, "");
}

const char *governed_fixture_path(struct gate_fixture *f, const char *name)
{
	static char path[256];
	(void)snprintf(path, sizeof(path), "%s/store/%s", f->dir, name);
	return path;
}

void governed_fixture_restart(struct gate_fixture *f)
{
	gate_fixture_close_store(f);
	gate_fixture_open_store(f);
	if (gate_fixture_load(f) < 0)
		fail_msg("%s", f->errors.data);
}

void governed_fixture_assert_lost(struct gate_fixture *f, const char *part)
{
	governed_fixture_restart(f);
	const struct governed *governed = f->trust->governed;
	assert_int_equal(governed->state, GOVERNED_LOST);
	if (!strstr(governed->why.text, part))
		fail_msg("%s\ndoes not say %s", governed->why.text, part);
	assert_null(governed->bundle);
	assert_null(config_find_function(f->trust->config, "web"));
}

void governed_fixture_assert_in_force(struct gate_fixture *f, uint64_t sequence)
{
	const struct governed *governed = f->trust->governed;
	if (governed->state != GOVERNED_IN_FORCE)
		fail_msg("%s", governed->why.text);
	assert_int_equal(governed->sequence, sequence);
	const struct config_slot *web = config_find_function(f->trust->config, "web");
	assert_non_null(web);
	assert_string_equal(web->code_signing->name, "approved");
}
