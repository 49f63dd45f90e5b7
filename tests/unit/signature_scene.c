#include "signature_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CASES_MAX 256

/* What a running test has: its row, its host, the scene. */
struct stage_play {
	const struct signature_case *c;
	void *host;
	struct signature_scene scene;
};

void scene_insert(struct buf *b, size_t at, const void *bytes, size_t len)
{
	assert_true(at <= b->len);
	assert_int_equal(buf_reserve(b, len), 0);
	memmove(b->data + at + len, b->data + at, b->len - at);
	memcpy(b->data + at, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void scene_append(struct buf *b, const char *text)
{
	assert_int_equal(buf_puts(b, text), 0);
}

void scene_replace(struct buf *b, const char *find, const char *put)
{
	char *found = memmem(b->data, b->len, find, strlen(find));
	if (!found)
		fail_msg("\"%s\" is not in:\n%s", find, b->data);
	size_t at = (size_t)(found - b->data);
	memmove(found, found + strlen(find), b->len - at - strlen(find));
	b->len -= strlen(find);
	scene_insert(b, at, put, strlen(put));
}

static void write_config(struct gate_fixture *host)
{
	static const char format[] = "[vouchfs]\n"
				     "account = " GATE_FIXTURE_ACCOUNT "\n"
				     "region = local\n"
				     "store = %s/store\n"
				     "[account " GATE_FIXTURE_ACCOUNT "]\n"
				     "certificate = account.pem\n"
				     "revocations = account.revocations\n"
				     "[account " SCENE_OTHER_ACCOUNT "]\n"
				     "certificate = other.pem\n"
				     "revocations_required = no\n"
				     "[code-signing-config approved]\n"
				     "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				     "allowed_publisher = " SCENE_OTHER_PROFILE "\n"
				     "untrusted_artifact_on_deployment = Enforce\n"
				     "[code-signing-config watched]\n"
				     "allowed_publisher = " GATE_FIXTURE_ARN "\n"
				     "allowed_publisher = " SCENE_OTHER_PROFILE "\n"
				     "untrusted_artifact_on_deployment = Warn\n";
	struct buf text = {0};
	assert_int_equal(buf_printf(&text, format, host->dir), 0);
	gate_fixture_write(host, "vouchfs.conf", text.data, text.len);
	buf_done(&text);
}

static void plan(struct signature_scene *s)
{
	static const char *const names[SCENE_INTERS_MAX] = {"first", "second", "third"};
	s->now_s = FORGE_AT_S;
	s->ca_spec = forge_ca_spec;
	s->ca_spec.curve = "P-256"; /* as good, and much quicker */
	s->leaf_spec = forge_leaf_spec;
	s->leaf_spec.san = "URI:" GATE_FIXTURE_ARN;
	s->list_spec = forge_leaf_spec;
	s->list_spec.common_name = "revocations";
	s->list_spec.san = "URI:" SCENE_LIST_ARN;
	for (size_t i = 0; i < SCENE_INTERS_MAX; i++) {
		s->inter_spec[i] = forge_ca_spec;
		s->inter_spec[i].common_name = names[i];
	}
	s->plain = gate_fixture_zip();
	s->statement = trust_fixture_statement(&s->host->alice, s->plain.data, s->plain.len - 2);
	(void)snprintf(s->statement.job.id, sizeof(s->statement.job.id), SCENE_JOB_ID);
}

static void make_certificates(struct signature_scene *s)
{
	struct forge_cert_spec other_ca = forge_ca_spec, stranger = forge_leaf_spec;
	other_ca.common_name = "other root";
	other_ca.curve = "P-256";
	stranger.common_name = "stranger";
	stranger.san = "URI:" SCENE_OTHER_PROFILE "/0123456789";
	forge_cert(&s->ca_spec, NULL, &s->ca);
	forge_cert(&other_ca, NULL, &s->other_ca);
	const struct forge_cert *issuer = &s->ca;
	for (unsigned i = 0; i < s->inters; i++) {
		forge_cert(&s->inter_spec[i], issuer, &s->inter[i]);
		issuer = &s->inter[i];
	}
	forge_cert(&s->leaf_spec, issuer, &s->leaf);
	forge_cert(&stranger, &s->ca, &s->stranger);
	forge_cert(&s->list_spec, &s->ca, &s->list_leaf);
}

static void plan_messages(struct signature_scene *s)
{
	s->message = (struct forge_message_spec){
		.signer = &s->leaf,
		.content_type = STATEMENT_CONTENT_TYPE,
		.signing_time_s = s->statement.signed_at_s,
	};
	for (unsigned i = 0; i < s->inters; i++)
		s->message.carried[i] = &s->inter[s->inters - 1 - i];
	s->list_message = (struct forge_message_spec){
		.signer = &s->list_leaf,
		.content_type = REVOCATIONS_CONTENT_TYPE,
		.signing_time_s = FORGE_AT_S,
	};
}

void scene_make_message(struct signature_scene *s)
{
	s->message.content = s->text.data;
	s->message.content_len = s->text.len;
	buf_reset(&s->der);
	forge_message(&s->message, &s->der);
}

void scene_make_pem(struct signature_scene *s)
{
	buf_reset(&s->pem);
	forge_pem(&s->der, &s->pem);
}

static void hook(void (*change)(struct signature_scene *), struct signature_scene *s)
{
	if (change)
		change(s);
}

static void make_artifact(struct signature_scene *s, const struct signature_case *c)
{
	assert_int_equal(statement_print(&s->statement, &s->text), 0);
	if (c->replace.find)
		scene_replace(&s->text, c->replace.find, c->replace.put);
	hook(c->text, s);
	hook(c->message, s);
	scene_make_message(s);
	hook(c->der, s);
	scene_make_pem(s);
	hook(c->pem, s);
	trust_fixture_attach(s->plain.data, s->plain.len, &s->pem, &s->zip);
	hook(c->zip, s);
}

/* Sequence 43: the host has seen 42 when it was set up. */
static void make_list(struct signature_scene *s, const struct signature_case *c)
{
	scene_append(&s->list_text, "vouchfs-revocations: 1\n"
				    "account: " GATE_FIXTURE_ACCOUNT "\n"
				    "sequence: 43\n"
				    "issued-at: 2026-11-21T17:27:12Z\n"
				    "next-update: 2026-12-21T17:27:12Z\n");
	if (c->revoke)
		scene_append(&s->list_text, c->revoke);
	if (c->list_replace.find)
		scene_replace(&s->list_text, c->list_replace.find, c->list_replace.put);
	hook(c->list_text, s);
	hook(c->list_message, s);
	s->list_message.content = s->list_text.data;
	s->list_message.content_len = s->list_text.len;
	forge_message(&s->list_message, &s->list_der);
	hook(c->list_der, s);
	forge_pem(&s->list_der, &s->list_pem);
	hook(c->list_pem, s);
}

static void install(struct signature_scene *s)
{
	struct buf pem = {0};
	gate_fixture_set_clock(s->host, s->now_s);
	write_config(s->host);
	forge_cert_pem(s->trusts_another_ca ? &s->other_ca : &s->ca, &pem);
	gate_fixture_write(s->host, "account.pem", pem.data, pem.len);
	buf_reset(&pem);
	forge_cert_pem(&s->other_ca, &pem);
	gate_fixture_write(s->host, "other.pem", pem.data, pem.len);
	buf_done(&pem);
	if (s->no_list)
		assert_int_equal(unlinkat(s->host->dirfd, "account.revocations", 0), 0);
	else
		gate_fixture_write(s->host, "account.revocations", s->list_pem.data, s->list_pem.len);
	if (gate_fixture_load(s->host) != 0)
		fail_msg("%s", s->host->errors.data);
}

/* As a deployment is judged: bytes in a stage of the store, with the tree that grew beside them. */
static struct gate_decision judge(const struct signature_scene *s, const char *config, bool full)
{
	struct gate_artifact artifact = {.content = SIGNATURE_OF_ARTIFACT};
	struct gate_decision decision;
	assert_int_equal(store_stage_new(s->host->store, &artifact.stage), 0);
	assert_int_equal(store_stage_write(artifact.stage, s->zip.data, s->zip.len, 0), 0);
	artifact.file = store_stage_reader(artifact.stage);
	assert_int_equal(gate_judge(s->host->trust, gate_fixture_rules(s->host, config), POLICY_ON_DEPLOYMENT,
				    &artifact, full, &decision),
			 0);
	store_stage_free(artifact.stage);
	return decision;
}

static void expect(const struct signature_scene *s, const struct signature_case *c, const char *config,
		   enum policy_outcome outcome)
{
	struct gate_decision d = judge(s, config, c->full);
	const struct policy_verdict *v = &d.verdict;
	if (v->outcome != outcome || v->reason != c->reason)
		fail_msg("%s under %s: %s %s expected, found %s %s: %s", c->name, config, policy_outcome_name(outcome),
			 policy_reason_info(c->reason)->code, policy_outcome_name(v->outcome),
			 policy_reason_info(v->reason)->code, v->detail);
	if (c->says && !strstr(v->detail, c->says))
		fail_msg("%s under %s: \"%s\" expected in \"%s\"", c->name, config, c->says, v->detail);
	if (c->reason != POLICY_REASON_NONE)
		assert_true(v->remedy[0] != '\0');
}

static void run_case(void **state)
{
	struct stage_play *play = *state;
	struct signature_scene *s = &play->scene;
	plan(s);
	hook(play->c->plan, s);
	make_certificates(s);
	plan_messages(s);
	make_artifact(s, play->c);
	make_list(s, play->c);
	install(s);
	expect(s, play->c, "approved", play->c->outcome);
	expect(s, play->c, "watched", play->c->under_warn);
}

static int set_up(void **state)
{
	struct stage_play *play = calloc(1, sizeof(*play));
	if (!play)
		return -1;
	play->c = *state;
	*state = play;
	int r = gate_fixture_setup(&play->host);
	play->scene.host = play->host;
	return r;
}

static int tear_down(void **state)
{
	struct stage_play *play = *state;
	struct signature_scene *s = &play->scene;
	struct forge_cert *certs[] = {&s->ca,	&s->inter[0], &s->inter[1], &s->inter[2],
				      &s->leaf, &s->stranger, &s->other_ca, &s->list_leaf};
	struct buf *bufs[] = {&s->plain, &s->text,	&s->der,      &s->pem,
			      &s->zip,	 &s->list_text, &s->list_der, &s->list_pem};
	for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
		forge_cert_done(certs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bufs); i++)
		buf_done(bufs[i]);
	int r = gate_fixture_teardown(&play->host);
	free(play);
	return r;
}

/* A name says what must come of the case, and no two are the same. */
static void check_row(const struct signature_case *c, const struct CMUnitTest *before, size_t count)
{
	const char *prefix = c->reason == POLICY_REASON_NONE ? "should-pass-" : "should-fail-";
	ASSERT(strncmp(c->name, prefix, strlen(prefix)) == 0);
	ASSERT(c->reason == POLICY_REASON_NONE || c->says);
	for (size_t i = 0; i < count; i++)
		ASSERT(strcmp(before[i].name, c->name) != 0);
}

int signature_cases_run(const char *group, const struct signature_cases *const *tables, size_t table_count)
{
	static struct CMUnitTest tests[CASES_MAX];
	size_t count = 0;
	for (size_t t = 0; t < table_count; t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct signature_case *c = &tables[t]->cases[i];
			ASSERT(count < CASES_MAX);
			check_row(c, tests, count);
			tests[count++] = (struct CMUnitTest){.name = c->name,
							     .test_func = run_case,
							     .setup_func = set_up,
							     .teardown_func = tear_down,
							     .initial_state = (void *)(uintptr_t)c};
		}
	}
	return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
