/*
 * governed_fixture.h - gate_fixture's host with a [policy] publisher, which is alice's profile, and bundles of hers.
 */
#ifndef TESTS_GOVERNED_FIXTURE_H
#define TESTS_GOVERNED_FIXTURE_H

#include "gate/governed.h"
#include "gate_fixture.h"

/* What a bundle says; zero is what is usual. */
struct bundle_spec {
	uint64_t sequence;
	const char *terms;		    /* lines of policy.conf after the sequence */
	const char *conf;		    /* conf.d/web.conf; a config "approved" and a function "web" */
	const char *list;		    /* trust/account.revocations; the host's file */
	bool has_no_certificate;	    /* though its account names one */
	const struct trust_fixture *signer; /* alice */
	enum signature_content content;	    /* a bundle */
	bool is_unsigned;
	int64_t expires_at_s; /* in a year */
};

int governed_fixture_setup(void **state);

/* Writes vouchfs.conf: more follows [policy] publisher, as lines of that section and sections behind. */
void governed_fixture_configure(struct gate_fixture *f, const char *publisher, const char *more);
extern const char governed_fixture_publisher[]; /* ARN of the profile */

struct buf governed_fixture_bundle(struct gate_fixture *f, const struct bundle_spec *spec);
/* Errno, as for callers: 0 or negative. ret_candidate may be NULL. decision: of the heap, valid until the next call. */
struct gate_decision *governed_fixture_judge(struct gate_fixture *f, const struct buf *zip, bool is_rollback,
					     struct trust **ret_candidate);
/* Judges, commits and takes up, so that f->trust is the new one; fails the test where that is refused. */
void governed_fixture_apply(struct gate_fixture *f, const struct buf *zip, const char *rollback_reason);
void governed_fixture_apply_sequence(struct gate_fixture *f, uint64_t sequence);
/* Refused for this reason, and the detail says part. */
void governed_fixture_assert_refused(struct gate_fixture *f, const struct buf *zip, enum policy_reason reason,
				     const char *part);
/* A file of the store, relative to it. */
const char *governed_fixture_path(struct gate_fixture *f, const char *name);

/* Loads again, as a restart does: the store is closed in between. */
void governed_fixture_restart(struct gate_fixture *f);
/* After a restart: lost, and why says part. */
void governed_fixture_assert_lost(struct gate_fixture *f, const char *part);
void governed_fixture_assert_in_force(struct gate_fixture *f, uint64_t sequence);

#endif
