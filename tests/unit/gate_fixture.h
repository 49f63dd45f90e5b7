/*
 * gate_fixture.h - a deployment host for tests: a directory with a configuration, the trust files of one account, a
 * store and an audit log; a clock that stands where the test puts it. Tests' setup and teardown.
 */
#ifndef GATE_FIXTURE_H
#define GATE_FIXTURE_H

#include "gate/gate.h"
#include "trust_fixture.h"

#define GATE_FIXTURE_ACCOUNT "111122223333"
#define GATE_FIXTURE_PROFILE "profile_for_application_ABC"
#define GATE_FIXTURE_VERSION "a1B2c3D4e5"
#define GATE_FIXTURE_ARN                                                                                               \
	"arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/" GATE_FIXTURE_PROFILE                    \
	"/" GATE_FIXTURE_VERSION

struct gate_fixture {
	char dir[64];
	int dirfd;
	struct trust_fixture alice;
	struct store *store;
	struct audit *audit;
	struct trust *trust; /* made by gate_fixture_load */
	struct buf errors;
};

/* As set up: "approved" enforces and "watched" warns, both allow alice's profile version; "open" is not checked. */
int gate_fixture_setup(void **state);
int gate_fixture_teardown(void **state);

void gate_fixture_set_clock(struct gate_fixture *f, int64_t at_s);
void gate_fixture_write(struct gate_fixture *f, const char *name, const void *bytes, size_t len);
/* Installs a revocation list; entry may be NULL. */
void gate_fixture_put_list(struct gate_fixture *f, uint64_t sequence, const struct revocation *entry);
void gate_fixture_open_store(struct gate_fixture *f);
void gate_fixture_close_store(struct gate_fixture *f);
/* (Re)loads the configuration into f->trust; the return value of trust_load. */
int gate_fixture_load(struct gate_fixture *f);
const struct config_code_signing *gate_fixture_rules(struct gate_fixture *f, const char *name);

/* A small ZIP, and the same signed by alice. buf_done each. */
struct buf gate_fixture_zip(void);
struct buf gate_fixture_signed_zip(struct gate_fixture *f);

/* Judges bytes in memory on deployment. */
struct gate_decision gate_fixture_judge(struct gate_fixture *f, const char *rules, const struct buf *zip, bool full);

struct gate_decision gate_fixture_judge_layer(struct gate_fixture *f, const struct buf *zip);
void gate_fixture_assert_says(const struct buf *text, const char *part);

#endif
