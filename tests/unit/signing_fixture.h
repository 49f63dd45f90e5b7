/*
 * signing_fixture.h - signing slots without a mount, driven through the tree's operations by made-up callers. On a home
 * of signer_fixture's with the profiles "app_release" and "other". Tests' setup and teardown; *state is a struct
 * signing_fixture.
 *
 * Statements: account 555555555555 (alice, and carol) may StartSigningJob, GetSigningProfile and RevokeSignature with
 * app_release, account 666666666666 (bob) StartSigningJob with it; nobody anything with other. mallory acts for the
 * home's own account, which no statement names.
 */
#ifndef TESTS_SIGNING_FIXTURE_H
#define TESTS_SIGNING_FIXTURE_H

#include "signer/access.h"
#include "signer_fixture.h"
#include "signing/signing.h"

#define SLOT		"app_release"
#define ALICE_ACCOUNT	"555555555555"
#define BOB_ACCOUNT	"666666666666"
#define SIGNING_ID_SIZE 64

struct signing_fixture {
	struct signer_fixture *host;
	struct signing *signing;
	struct tree_memory memory; /* of the mount; none, unless a test sets it */
};

extern const struct slots_caller owner, alice, carol, bob, mallory;

int signing_fixture_setup(void **state);
int signing_fixture_teardown(void **state);
void signing_fixture_restart(struct signing_fixture *f);
void signing_fixture_allow(struct signing_fixture *f, const char *account, enum signer_action action, const char *id);
void signing_fixture_forbid(struct signing_fixture *f, const char *id);

/* A ZIP with one file "marker". */
struct buf signing_fixture_zip(const char *marker);

/* Looks a path up as this caller and gives every reference back but that of the last. 0, or what failed. */
int signing_fixture_path(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
			 struct slots_attr *ret);
/* The same, and gives that one back, too. */
int signing_fixture_has(struct signing_fixture *f, const struct slots_caller *caller, const char *path);
void signing_fixture_forget(struct signing_fixture *f, const struct slots_attr *attr);
/* The names in a directory without "." and "..", sorted, a blank between them; or the errno. Valid until the next call.
 */
const char *signing_fixture_list(struct signing_fixture *f, const struct slots_caller *caller, const char *directory);

/* As open(2) with O_CREAT and O_TRUNC: creates, or opens what is there. */
int signing_fixture_open(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			 const char *name, struct tree_handle **ret);
/* Open, write in pieces, flush, release: what the first that failed answered. */
int signing_fixture_put(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			const char *name, const struct buf *bytes);
/* Whole content; -errno of lookup, open or read. Appended. */
int signing_fixture_read(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
			 struct buf *ret);
int signing_fixture_unlink(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			   const char *name);
int signing_fixture_rename(struct signing_fixture *f, const struct slots_caller *caller, const char *directory,
			   const char *from, const char *to);
/* An extended attribute; "" where there is none. Valid until the next call. */
const char *signing_fixture_attribute(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				      const char *name);

/* ---- in words ---- */

void signing_fixture_hand_in(struct signing_fixture *f, const struct slots_caller *caller, const char *name,
			     const char *marker);
/* user.vouchfs.last_<what> of the slot. */
const char *signing_fixture_last(struct signing_fixture *f, const struct slots_caller *caller, const char *what);
void signing_fixture_assert_content(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				    const struct buf *expected);
/* A signature in the place of the ZIP's comment, and nothing else is different. */
void signing_fixture_assert_signed(struct signing_fixture *f, const struct slots_caller *caller, const char *path,
				   const struct buf *zip, size_t comment_len);
/* The id of the only job that the caller sees. */
const char *signing_fixture_only_job(struct signing_fixture *f, const struct slots_caller *caller);

#endif
