/*
 * gate.c - judges one artifact: tail, tree, signature, ZIP rules, policy, in this order (R17). What is parsed is only
 * ever one private copy (R16), and an error of any kind leaves a fact unknown, which policy refuses (I4). Of many
 * entries the rules are looked at beside tree and signature, and heard in their turn.
 */
#include "gate/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A decision in the making. */
struct judgement {
	const struct trust *trust;
	const struct config_code_signing *rules;
	enum policy_moment moment;
	enum signature_content content; /* NOTHING: refused (I4) */
	const struct gate_artifact *artifact;
	struct policy_facts facts;
	uint64_t unpacked_bytes;     /* of the artifact, as it states */
	struct zip_opening *opening; /* NULL before and after */
	struct zip_refusal refusal;
	struct gate_decision *decision;
};

int gate_hash_config(const struct config_code_signing *rules, char ret[CRYPTO_SHA256_HEX_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = crypto_sha256(rules->canonical, strlen(rules->canonical), digest);
	if (r == 0)
		text_hex(digest, sizeof(digest), ret);
	return r;
}

static int begin(struct judgement *j)
{
	struct gate_decision *d = j->decision;
	memset(d, 0, sizeof(*d));
	d->decided_at_s = clock_now_s();
	d->trust_generation = j->trust->generation;
	(void)snprintf(d->config_name, sizeof(d->config_name), "%s", j->rules ? j->rules->name : "none");
	j->facts.signature = &d->facts;
	if (!j->rules || !j->rules->canonical)
		return 0;
	return gate_hash_config(j->rules, d->config_sha256);
}

static void weigh(struct judgement *j)
{
	policy_judge(&j->facts, j->rules, j->decision->config_name, j->moment, j->decision->decided_at_s,
		     &j->decision->verdict);
}

/* Makes a fact about the ZIP of what module archive has answered. */
static enum policy_zip zip_fact(struct judgement *j, int r)
{
	if (r == 0)
		return POLICY_ZIP_ADMISSIBLE;
	if (r != -EBADMSG)
		explain_set(&j->refusal.text, "the archive could not be examined: %s", strerror(-r));
	j->facts.zip_why = j->refusal.text.text;
	j->facts.zip_remedy = r == -EBADMSG ? j->refusal.remedy.text : NULL;
	return r == -EBADMSG ? POLICY_ZIP_BROKEN : POLICY_ZIP_UNKNOWN;
}

static int find_tree(const struct gate_artifact *artifact, uint64_t length, uint8_t ret[CRYPTO_SHA256_BYTES])
{
	if (artifact->stage) {
		const struct merkle_tree *grown;
		int r = store_stage_tree(artifact->stage, length, &grown);
		if (r == 0)
			memcpy(ret, grown->digest, CRYPTO_SHA256_BYTES);
		return r;
	}
	struct merkle_tree *tree = NULL;
	int r = merkle_tree_of(&artifact->file, length, &tree);
	if (r == 0)
		memcpy(ret, tree->digest, CRYPTO_SHA256_BYTES);
	merkle_tree_free(tree);
	return r;
}

/* What a signature is about, and where it stands. */
struct signed_bytes {
	enum signature_content content;
	const void *comment;
	size_t comment_len;
	uint64_t length;
	const uint8_t *tree_sha256;
};

/* Facts of the signature in a comment. When they cannot be had, nothing is known, and why is said. */
static void examine(const struct trust *trust, const struct signed_bytes *bytes, struct signature_facts *ret)
{
	int r = signature_examine(bytes->content, bytes->comment, bytes->comment_len, bytes->length, bytes->tree_sha256,
				  trust->accounts, trust->account_count, trust->timestamp_authority, ret);
	if (r == 0)
		return;
	memset(ret, 0, sizeof(*ret));
	explain_set(&ret->integrity_why, "the signature could not be examined: %s", strerror(-r));
}

/* The same where something is known already, or NULL. */
static void examine_again(const struct trust *trust, const struct signed_bytes *bytes,
			  const struct signature_facts *known, struct signature_facts *ret)
{
	if (known)
		*ret = *known;
	if (!known || !signature_examine_lists(trust->accounts, trust->account_count, ret))
		examine(trust, bytes, ret);
}

static void examine_artifact(struct judgement *j)
{
	struct gate_decision *d = j->decision;
	const struct io_reader *file = &j->artifact->file;
	void *comment = malloc(d->tail.comment_len + 1U);
	int r = comment ? io_reader_pread(file, comment, d->tail.comment_len, d->tail.comment_offset) : -ENOMEM;
	if (r == 0)
		r = find_tree(j->artifact, d->length_bytes, d->tree_sha256);
	const struct signed_bytes bytes = {
		.content = j->content,
		.comment = comment,
		.comment_len = d->tail.comment_len,
		.length = d->length_bytes,
		.tree_sha256 = d->tree_sha256,
	};
	if (r == 0)
		examine(j->trust, &bytes, &d->facts);
	else
		explain_set(&d->facts.integrity_why, "the artifact could not be read: %s", strerror(-r));
	free(comment);
}

/* The digest that a stock tool prints; the tree has vouched for the bytes already, so this tells a lying statement. */
static void compare_flat_digest(struct judgement *j)
{
	struct signature_facts *s = &j->decision->facts;
	uint8_t digest[CRYPTO_SHA384_BYTES];
	if (s->form != SIGNATURE_NATIVE || s->integrity != SIGNATURE_GOOD)
		return;
	int r = crypto_sha384_reader(&j->artifact->file, j->decision->length_bytes, digest);
	if (r < 0) {
		s->integrity = SIGNATURE_UNKNOWN;
		explain_set(&s->integrity_why, "the artifact could not be read: %s", strerror(-r));
	} else if (memcmp(digest, s->statement.sha384, sizeof(digest)) != 0) {
		s->integrity = SIGNATURE_BAD;
		explain_set(&s->integrity_why, "the SHA-384 in the statement is not that of the content");
	}
}

/*
 * R17: nothing is heard of what lies beyond the tail while it is not certain that the bytes are unsigned, or those
 * signed. (A large archive has been looked at by then, which gives nobody anything that he had not without a
 * signature.)
 */
static bool may_be_parsed(const struct signature_facts *s)
{
	return s->form == SIGNATURE_NONE || (s->form == SIGNATURE_NATIVE && s->integrity == SIGNATURE_GOOD);
}

static struct zip_limits zip_limits(const struct judgement *j)
{
	return (struct zip_limits){.max_unpacked_bytes = j->trust->config->max_unpacked_bytes};
}

/*
 * The structure of every archive, and the contents (R7) of those whose signer has not vouched for that. Who that is
 * depends on the verdict over everything else, so policy is asked in between.
 */
static void check_zip(struct judgement *j, bool full)
{
	const struct zip_limits limits = zip_limits(j);
	struct zip_archive *archive = NULL;

	j->facts.zip = zip_fact(j, zip_opening_end(j->opening, &archive, &j->refusal));
	j->opening = NULL;
	if (j->facts.zip != POLICY_ZIP_ADMISSIBLE)
		return;
	j->unpacked_bytes = archive->unpacked_bytes;
	weigh(j);
	if (full || !policy_signer_is_trusted(&j->decision->verdict)) {
		j->facts.zip = zip_fact(j, zip_check_contents(&j->artifact->file, archive, &limits, &j->refusal));
		j->decision->contents_checked = j->facts.zip == POLICY_ZIP_ADMISSIBLE;
	}
	zip_close_archive(archive);
}

/* Signature first: what is not as signed says so, and nothing else. */
static void examine_all(struct judgement *j, bool full)
{
	const struct zip_limits limits = zip_limits(j);
	j->opening = zip_opening_new(&j->artifact->file, j->artifact->headers, &limits);
	examine_artifact(j);
	if (full)
		compare_flat_digest(j);
	if (may_be_parsed(&j->decision->facts))
		check_zip(j, full);
	zip_opening_free(j->opening);
	j->opening = NULL;
}

void gate_print_layer(const char *name, uint64_t version, char ret[GATE_LAYER_NAME_SIZE])
{
	(void)snprintf(ret, GATE_LAYER_NAME_SIZE, "%s:%llu", name, (unsigned long long)version);
}

/* By comment and digest; the ZIP rules are taken as passed when it was published. */
static void judge_layer(const struct judgement *j, const struct store_layer *layer, const struct signature_facts *known,
			struct gate_layer *ret)
{
	const struct signed_bytes bytes = {
		.content = SIGNATURE_OF_ARTIFACT,
		.comment = layer->comment,
		.comment_len = layer->comment_len,
		.length = layer->length_bytes,
		.tree_sha256 = layer->digest,
	};
	const struct policy_facts facts = {
		.tail = POLICY_ZIP_ADMISSIBLE, .zip = POLICY_ZIP_ADMISSIBLE, .signature = &ret->facts};

	(void)snprintf(ret->name, sizeof(ret->name), "%s", layer->layer);
	ret->version = layer->version;
	ret->id = layer->id;
	memcpy(ret->tree_sha256, layer->digest, sizeof(ret->tree_sha256));
	examine_again(j->trust, &bytes, known, &ret->facts);
	policy_judge(&facts, j->rules, j->decision->config_name, j->moment, j->decision->decided_at_s, &ret->verdict);
}

/* known: what was found of each before, or NULL. Also after a refusal: what can be said is said. */
static void judge_layers(const struct judgement *j, const struct store_layer *layers, size_t layer_count,
			 const struct signature_facts *known)
{
	struct gate_decision *d = j->decision;
	ASSERT(layer_count <= LIMIT_LAYERS);
	for (size_t i = 0; i < layer_count; i++) {
		char name[GATE_LAYER_NAME_SIZE];
		judge_layer(j, &layers[i], known ? &known[i] : NULL, &d->layers[i]);
		gate_print_layer(layers[i].layer, layers[i].version, name);
		policy_add_layer(name, &d->layers[i].verdict, &d->verdict);
	}
	d->layer_count = layer_count;
}

int gate_judge(const struct trust *trust, const struct config_code_signing *rules, enum policy_moment moment,
	       const struct gate_artifact *artifact, bool full, struct gate_decision *ret)
{
	struct judgement j = {.trust = trust,
			      .rules = rules,
			      .moment = moment,
			      .content = artifact->content,
			      .artifact = artifact,
			      .decision = ret};
	uint64_t began_us = clock_monotonic_us();
	int r = begin(&j);
	if (r < 0)
		return r;
	ret->size_bytes = artifact->file.size_bytes;

	j.facts.size_bytes = ret->size_bytes;
	j.facts.max_bytes = trust->config->max_artifact_bytes;
	j.facts.too_large = j.facts.size_bytes > j.facts.max_bytes;
	if (!j.facts.too_large)
		j.facts.tail = zip_fact(&j, zip_read_tail(&artifact->file, &ret->tail, &j.refusal));
	if (j.facts.tail == POLICY_ZIP_ADMISSIBLE) {
		ret->tail_known = true;
		ret->length_bytes = ret->tail.signed_length;
		examine_all(&j, full);
	}
	weigh(&j);
	judge_layers(&j, artifact->layers, artifact->layer_count, NULL);
	policy_limit_unpacked(j.unpacked_bytes + artifact->layers_unpacked_bytes, trust->config->max_unpacked_bytes,
			      &ret->verdict);
	ret->verified_us = clock_monotonic_us() - began_us + 1;
	return 0;
}

int gate_judge_layer(const struct trust *trust, const struct gate_artifact *artifact, struct gate_decision *ret)
{
	return gate_judge(trust, NULL, POLICY_ON_PUBLICATION, artifact, false, ret);
}

static int judge_release(struct judgement *j, const struct store_release *release, const struct signature_facts *known)
{
	struct gate_decision *d = j->decision;
	int r = begin(j);
	if (r < 0)
		return r;
	d->length_bytes = release->length_bytes;
	d->size_bytes = release->length_bytes + sizeof(uint16_t) + release->comment_len;
	memcpy(d->tree_sha256, release->digest, sizeof(d->tree_sha256));
	const struct signed_bytes bytes = {
		.content = j->content,
		.comment = release->comment,
		.comment_len = release->comment_len,
		.length = release->length_bytes,
		.tree_sha256 = release->digest,
	};
	examine_again(j->trust, &bytes, known, &d->facts);
	j->facts.tail = j->facts.zip = POLICY_ZIP_ADMISSIBLE;
	weigh(j);
	judge_layers(j, release->layers, release->layer_count, known ? known + 1 : NULL);
	return 0;
}

int gate_judge_release(const struct trust *trust, const struct config_code_signing *rules, enum policy_moment moment,
		       const struct store_release *release, struct gate_decision *ret)
{
	return gate_judge_release_again(trust, rules, moment, release, NULL, ret);
}

int gate_judge_release_again(const struct trust *trust, const struct config_code_signing *rules,
			     enum policy_moment moment, const struct store_release *release,
			     const struct signature_facts *known, struct gate_decision *ret)
{
	struct judgement j = {
		.trust = trust, .rules = rules, .moment = moment, .content = SIGNATURE_OF_ARTIFACT, .decision = ret};
	return judge_release(&j, release, known);
}

int gate_judge_bundle_release(const struct trust *trust, const struct config_code_signing *rules,
			      enum policy_moment moment, const struct store_release *release,
			      const struct signature_facts *known, struct gate_decision *ret)
{
	struct judgement j = {
		.trust = trust, .rules = rules, .moment = moment, .content = SIGNATURE_OF_BUNDLE, .decision = ret};
	return judge_release(&j, release, known);
}

int gate_judge_as_enforce(const struct trust *trust, const struct config_code_signing *rules,
			  const struct store_release *release, const struct signature_facts *known,
			  struct gate_decision *ret)
{
	if (!rules)
		return gate_judge_release_again(trust, NULL, POLICY_ON_DEPLOYMENT, release, known, ret);
	struct config_code_signing strict = *rules;
	strict.mismatch = strict.expiry = strict.revocation = CONFIG_ENFORCE;
	strict.deployment = strict.on_load = CONFIG_ENFORCE;
	strict.canonical = NULL; /* it is no config that anybody has written */
	return gate_judge_release_again(trust, &strict, POLICY_ON_DEPLOYMENT, release, known, ret);
}
