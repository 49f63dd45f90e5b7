/*
 * home.h - the signer's home as files. Private to this module. Names are relative to the home and cannot leave it;
 * every write is atomic and durable, mode 0600.
 */
#ifndef SIGNER_HOME_H
#define SIGNER_HOME_H

#include "base/buf.h"
#include "proved_list.h"
#include "signer/signer.h"

#define HOME_PATH_SIZE	  192
#define HOME_LOCK	  "lock"
#define HOME_TOKEN_LOCK	  "tokens/lock"
#define HOME_ACCOUNT	  "account"
#define HOME_CA_KEY	  "ca.key"
#define HOME_CA_CERT	  "ca.pem"
#define HOME_REVOCATIONS  "revocations"
#define HOME_BACKDATING_S 300
#define HOME_MONTHS_CA	  360U
#define HOME_MONTHS_LEAF  147U

struct signer {
	int fd;
	struct arn_scope scope;
	int64_t created_at_s;
	unsigned revocation_list_days;
	struct proved_list proved;
};

#define HOME_PRINTABLE_SIZE 256
/* A path for an explanation; returns escaped. */
const char *home_printable(const char *path, char escaped[HOME_PRINTABLE_SIZE]);

/* Sets why and returns error, so that a refusal is one line. */
int home_refuse(struct explain *why, int error, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same for a failed call: adds what the errno means. */
int home_failed(struct explain *why, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* The home's directory: ours, and closed to others. -EACCES with why when it is not. */
int home_open_dir(const char *path, int *ret_fd, struct explain *ret_why);

/* Waits for the lock; io_close drops it. */
int home_lock(const struct signer *signer, const char *name, int *ret_fd, struct explain *ret_why);

int home_make_dir(const struct signer *signer, const char *name, struct explain *ret_why);
int home_write(const struct signer *signer, const char *name, const struct buf *content, struct explain *ret_why);
/* Whether a directory is its owner's, and closed to others. -EACCES with the remedy; -ENOENT without why. */
int home_check_dir(const struct signer *signer, const char *name, struct explain *ret_why);
/* -ENOENT without why when it is not there. Secrets must be the home owner's, mode 0600. */
int home_read(const struct signer *signer, const char *name, size_t max, struct buf *ret, struct explain *ret_why);
int home_read_secret(const struct signer *signer, const char *name, struct buf *ret, struct explain *ret_why);

int home_write_account(const struct signer *signer, struct explain *ret_why);

#endif
