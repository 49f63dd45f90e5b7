/*
 * gate.h - the story of one artifact: open, verify, decide, record, commit or discard. The mount and `vouchfs verify`
 * are its two clients; both call gate_judge.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "archive/zip.h"
#include "audit/audit.h"
#include "base/json.h"
#include "gate/trust.h"
#include "policy/policy.h"
#include "signature/signature.h"
#include "store/store.h"

/* A layer version that goes with the artifact, judged by the same config. */
struct gate_layer {
	char name[LIMIT_FUNCTION_NAME_BYTES + 1];
	uint64_t version;
	uint64_t id;
	uint8_t tree_sha256[CRYPTO_SHA256_BYTES];
	struct policy_verdict verdict;
	struct signature_facts facts;
};
#define GATE_LAYER_NAME_SIZE (LIMIT_FUNCTION_NAME_BYTES + 22)
/* "tools:3" */
void gate_print_layer(const char *name, uint64_t version, char ret[GATE_LAYER_NAME_SIZE]);

/* By which an administrator has relaxed a function's config for a while (slots/break_glass.h). */
struct gate_break_glass {
	uint64_t seq; /* of the audit record that began it; 0: none */
	int64_t until_s;
	uint32_t uid;
	char reason[LIMIT_REASON_BYTES + 1]; /* printable ASCII */
};

/* Everything a decision was made of; a plain struct without pointers, so it can be kept. */
struct gate_decision {
	struct policy_verdict verdict;
	struct signature_facts facts;
	struct zip_tail tail; /* when tail_known */
	bool tail_known;
	uint64_t size_bytes;			  /* of the whole file */
	uint64_t length_bytes;			  /* L; 0 when there is no tail */
	uint8_t tree_sha256[CRYPTO_SHA256_BYTES]; /* of [0, L) */
	bool contents_checked;			  /* R7 was done on every entry */
	int64_t decided_at_s;
	uint64_t event;	      /* the number of its audit record; 0: none */
	uint64_t verified_us; /* how long gate_judge took; 0: it was judged otherwise */
	uint64_t trust_generation;
	char config_name[ARN_PROFILE_NAME_SIZE + 64];
	char config_sha256[CRYPTO_SHA256_HEX_SIZE];
	struct gate_layer layers[LIMIT_LAYERS]; /* lowest first; what they do to it is in verdict (policy_add_layer) */
	size_t layer_count;
	struct gate_break_glass break_glass; /* without which it would have been refused */
};

#define GATE_LAYERS_TEXT_SIZE ((size_t)LIMIT_LAYERS * (GATE_LAYER_NAME_SIZE + 32))
/* "tools:3 accepted, base:1 refused VF2004", "" without layers; for the audit log. */
void gate_print_layers(const struct gate_decision *decision, char ret[GATE_LAYERS_TEXT_SIZE]);

/* Where an artifact's bytes are. Either stage (the tree has grown beside it) or any reader. */
struct gate_artifact {
	enum signature_content content;	   /* what it has to be signed as; not given: it is refused */
	struct io_reader file;		   /* the whole ZIP with its comment */
	struct store_stage *stage;	   /* NULL: the tree is computed from file */
	const struct zip_headers *headers; /* what was kept of it; NULL: all is read */
	const struct store_layer *layers;  /* that it is to be used with */
	size_t layer_count;
	uint64_t layers_unpacked_bytes; /* of them all */
};

/*
 * Judges under trust for the rules of a config (NULL: none). full: inflate every entry whatever the signature, and
 * compare the flat SHA-384, too (verify --full). 0 and *ret, also when something could not be checked (that is a
 * verdict); negative errno only where not even the config's digest could be had.
 */
int gate_judge(const struct trust *trust, const struct config_code_signing *rules, enum policy_moment moment,
	       const struct gate_artifact *artifact, bool full, struct gate_decision *ret);

/*
 * A layer version that is to be published: integrity where there is a signature, and the ZIP rules in full. Who signed
 * it, expiry and revocation are judged when a function attaches it.
 */
int gate_judge_layer(const struct trust *trust, const struct gate_artifact *artifact, struct gate_decision *ret);

/*
 * Judges what a release holds without reading its payload: the comment against the digest that is on record. The ZIP
 * rules are taken as passed (they were, for these bytes). So it is with each of its layers. On load, and when other
 * layers go with an artifact.
 */
int gate_judge_release(const struct trust *trust, const struct config_code_signing *rules, enum policy_moment moment,
		       const struct store_release *release, struct gate_decision *ret);

/*
 * The same when that was done before under a trust of the same family (trust_family): known is what was found then, of
 * the artifact and behind it of each layer, and only the lists are looked up again.
 */
int gate_judge_release_again(const struct trust *trust, const struct config_code_signing *rules,
			     enum policy_moment moment, const struct store_release *release,
			     const struct signature_facts *known, struct gate_decision *ret);

/* The same of a release that is a policy bundle. known: what was found of it then, or NULL. */
int gate_judge_bundle_release(const struct trust *trust, const struct config_code_signing *rules,
			      enum policy_moment moment, const struct store_release *release,
			      const struct signature_facts *known, struct gate_decision *ret);

/*
 * What today's checks would say of a release were the config set to Enforce in everything. known as above, or NULL.
 * Nothing is admitted or blocked by it.
 */
int gate_judge_as_enforce(const struct trust *trust, const struct config_code_signing *rules,
			  const struct store_release *release, const struct signature_facts *known,
			  struct gate_decision *ret);

/* What decisions call config-sha256: equal for two configs that judge alike. 0 or -ENOMEM. */
int gate_hash_config(const struct config_code_signing *rules, char ret[CRYPTO_SHA256_HEX_SIZE]);

/* Who deploys what to where. */
struct gate_deployment {
	const char *function; /* the slot, as store.h has it: or a layer's */
	const char *artifact_name;
	const struct audit_who *who;
	enum config_errno_style errno_style;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t uid;			       /* owner of the artifact */
	uint64_t rollback_to;		       /* the release that is taken up again; 0: none */
	const char *rollback_told;	       /* of a policy bundle: what the log is to say of that; or NULL */
	const struct store_release *layers_of; /* whose layers and list the release is to have; NULL: none */
	const char *about; /* what its publisher says of a layer version, or governed_about; as lines; or NULL */
};

/*
 * Records a refusal in the audit log, and in the decision the record's number. kept_release as in gate_render_why. A
 * log that cannot be written is only logged: nothing is let in by it.
 */
void gate_record_refusal(struct audit *audit, const struct gate_deployment *deployment, uint64_t kept_release,
			 struct gate_decision *decision);

/*
 * Commits an artifact that was accepted or warned about: audit record, durable (I3) -> object -> release record ->
 * current (I2), of a layer no current. Consumes the stage's file. On failure nothing is visible, the old release stays,
 * and the log says that the deployment failed; decision->event is the number of the last record. Call under the slot's
 * commit lock. *ret is freed with store_release_free.
 */
int gate_commit(struct store *store, struct audit *audit, struct store_stage *stage, const void *comment,
		size_t comment_len, const struct gate_deployment *deployment, struct gate_decision *decision,
		struct store_release **ret);

/*
 * The same for an artifact that is there, as a release of the same function has it: with other layers, or because it is
 * taken up again. Of the deployment only layers_of, rollback_to, function and who count, and uid when it is taken up
 * again; the rest is the artifact's. -EBADMSG: what was judged are not its bytes.
 */
int gate_commit_again(struct store *store, struct audit *audit, const struct store_release *artifact,
		      const struct gate_deployment *deployment, struct gate_decision *decision,
		      struct store_release **ret);

/* ---- renderings of one decision; all append to ret ---- */

/*
 * For people: the whole of `.vouchfs/why/functions/<f>`, `layers/<l>`, and of `vouchfs why`. kept_release: what is
 * still served after a refusal, 0 for nothing; of a layer its newest version.
 */
int gate_render_why(const struct gate_deployment *deployment, const struct gate_decision *decision,
		    uint64_t kept_release, struct buf *ret);
/* The lines of its checks alone. */
int gate_render_checks(const struct policy_verdict *verdict, struct buf *ret);
/* "key: value" lines for the release record (decision) and the slot's note; gate_render_release_json reads them. */
int gate_render_record(const struct gate_deployment *deployment, const struct gate_decision *decision, struct buf *ret);
/* release.json: schema, function, release, artifact, digests, what was checked, by whom signed, when, with which
 * config. */
int gate_render_release_json(const char *function, const struct store_release *release, struct buf *ret);
/* For programs: the members of a decision, put into the object that is open. */
void gate_put_json(struct json *j, const char *path, const struct gate_decision *decision);

#endif
