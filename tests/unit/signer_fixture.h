/*
 * signer_fixture.h - a signing account in a directory of its own, with the clock in the test's hand.
 *
 *     signer_setup / signer_teardown as cmocka's; *state is a struct signer_fixture.
 */
#ifndef TESTS_SIGNER_FIXTURE_H
#define TESTS_SIGNER_FIXTURE_H

#include "base/buf.h"
#include "signer/signer.h"

#define FIXTURE_ACCOUNT	 "111122223333"
#define FIXTURE_PLATFORM "AWSLambda-SHA384-ECDSA"
#define FIXTURE_NOW_TEXT "2026-11-21T17:27:12Z"
#define FIXTURE_NOW_S	 1795282032

struct signer_fixture {
	char directory[64];
	char home[96];
	struct signer *signer;
	struct explain why;
};

int signer_setup(void **state);	      /* with an account, opened */
int signer_setup_empty(void **state); /* with a directory, no home yet */
int signer_teardown(void **state);

void signer_fixture_set_clock(struct signer_fixture *f, const char *utc);
/* A path in the test's directory; valid until the eighth call after it. */
const char *signer_fixture_path(struct signer_fixture *f, const char *name);
void signer_fixture_write(struct signer_fixture *f, const char *name, const void *bytes, size_t len);
struct buf signer_fixture_read(struct signer_fixture *f, const char *name);
bool signer_fixture_exists(struct signer_fixture *f, const char *name);
size_t signer_fixture_count(struct signer_fixture *f, const char *directory); /* the names in it */

/* Runs a step in a process of its own with this VOUCHFS_TEST_FAULT: what it returned, or 1 when it was killed. */
int signer_fixture_run_with_fault(struct signer_fixture *f, int (*step)(struct signer_fixture *f), const char *fault);
/* The same with "*:<n>:<what>" for n = 1, 2, ... until the step succeeds; returns how often it did not. */
unsigned signer_fixture_cut_off_at_every_call(struct signer_fixture *f, int (*step)(struct signer_fixture *f),
					      const char *what);

/* A small good ZIP with this comment. */
struct buf signer_fixture_zip(const char *comment);
struct signer_profile signer_fixture_profile(struct signer_fixture *f, const char *name);

#endif
