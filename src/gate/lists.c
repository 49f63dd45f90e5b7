/*
 * lists.c - reads revocation lists. Nothing here fails: a list that cannot be used leaves a state and a sentence, and
 * policy makes "could not be checked" of them.
 *
 * The store remembers, for each account, "sequence: <n>" and "digest: <SHA-256 of the statement>" of the newest list
 * seen, so that an attacker who brings back an older list of genuine signature gains nothing.
 */
#include "lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/text.h"

#define PATH_TEXT_SIZE 256

struct trust_list_file lists_identify(const struct config_account *account)
{
	struct stat st;
	if (!account->revocations || stat(account->revocations, &st) < 0)
		return (struct trust_list_file){0};
	return (struct trust_list_file){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.mtime_s = st.st_mtim.tv_sec,
		.mtime_ns = st.st_mtim.tv_nsec,
		.ctime_s = st.st_ctim.tv_sec,
		.ctime_ns = st.st_ctim.tv_nsec,
	};
}

bool lists_is_same_file(const struct trust_list_file *a, const struct trust_list_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_s == b->mtime_s &&
	       a->mtime_ns == b->mtime_ns && a->ctime_s == b->ctime_s && a->ctime_ns == b->ctime_ns;
}

/* The newest list seen: 0, -ENOENT when none was, -EBADMSG when the memory is damaged. */
static int recall(struct store *store, const char *id, uint64_t *ret_sequence, uint8_t ret_digest[CRYPTO_SHA256_BYTES])
{
	struct buf text = {0};
	uint64_t sequence = 0;
	char *hex = NULL;
	int r = store_get_revocations(store, id, &text);
	if (r < 0)
		goto out;
	r = -EBADMSG;
	hex = text_record_get(text.data, text.len, "digest");
	if (!hex || !text_record_get_u64(text.data, text.len, "sequence", &sequence) ||
	    !text_unhex(hex, strlen(hex), ret_digest, CRYPTO_SHA256_BYTES))
		goto out;
	*ret_sequence = sequence;
	r = 0;
out:
	free(hex);
	buf_done(&text);
	return r;
}

static void remember(struct store *store, const struct revocation_list *list)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(list->digest, sizeof(list->digest), hex);
	struct buf text = {0};
	int r = buf_printf(&text, "sequence: %llu\ndigest: %s\n", (unsigned long long)list->sequence, hex);
	if (r == 0)
		r = store_put_revocations(store, list->account, text.data, text.len);
	if (r < 0 && r != -EROFS)
		log_warning("revocation list %llu of account %s could not be remembered: %s",
			    (unsigned long long)list->sequence, list->account, strerror(-r));
	buf_done(&text);
}

/* Compares a genuine list with the memory; moves the memory forward if it remembers. */
static enum signature_list_state compare_with_memory(const struct revocation_list *list, struct store *store,
						     bool remembers, struct explain *ret_why)
{
	if (!store)
		return SIGNATURE_LIST_READ;

	uint64_t seen = 0;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = recall(store, list->account, &seen, digest);
	if (r == -ENOENT) {
		if (remembers)
			remember(store, list);
		return SIGNATURE_LIST_READ;
	}
	if (r < 0) {
		explain_set(ret_why, "what was last seen of account %s's list cannot be read from the store: %s",
			    list->account, strerror(-r));
		return SIGNATURE_LIST_UNKNOWN;
	}
	if (list->sequence < seen) {
		explain_set(ret_why, "list %llu of account %s is older than list %llu, which was seen before",
			    (unsigned long long)list->sequence, list->account, (unsigned long long)seen);
		return SIGNATURE_LIST_OLDER;
	}
	if (list->sequence == seen && memcmp(list->digest, digest, sizeof(digest)) != 0) {
		explain_set(ret_why, "list %llu of account %s has other content than the one seen before",
			    (unsigned long long)list->sequence, list->account);
		return SIGNATURE_LIST_OLDER;
	}
	if (remembers && list->sequence > seen)
		remember(store, list);
	return SIGNATURE_LIST_READ;
}

/* Only a file that is truly absent is a missing list; that is what a configuration can excuse. */
static enum signature_list_state state_of_file(int r, const char *path, struct explain *ret_why)
{
	switch (r) {
	case -ENOENT:
		explain_set(ret_why, "there is no revocation list at %s", path);
		return SIGNATURE_LIST_MISSING;
	case -EFBIG:
		explain_set(ret_why, "%s is larger than a revocation list may be", path);
		return SIGNATURE_LIST_BAD;
	default:
		explain_set(ret_why, "the revocation list at %s cannot be read: %s", path, strerror(-r));
		return SIGNATURE_LIST_UNKNOWN;
	}
}

static enum signature_list_state state_of_content(int r, const char *path, struct explain *ret_why)
{
	if (r == -EBADMSG) {
		explain_prefix(ret_why, "%s", path);
		return SIGNATURE_LIST_BAD;
	}
	explain_set(ret_why, "the revocation list at %s could not be examined: %s", path, strerror(-r));
	return SIGNATURE_LIST_UNKNOWN;
}

void lists_read(const struct config_account *config, struct store *store, bool remembers,
		struct signature_account *account)
{
	account->list_state = SIGNATURE_LIST_UNKNOWN;
	account->list = NULL;
	if (!config->revocations) {
		account->list_state = SIGNATURE_LIST_MISSING;
		explain_set(&account->list_why, "no revocation list is configured for account %s", account->id);
		return;
	}

	char path[PATH_TEXT_SIZE];
	text_escape_print(path, sizeof(path), config->revocations, strlen(config->revocations));
	struct buf pem = {0};
	struct revocation_list *list = NULL;
	int r = io_read_path(config->revocations, LIMIT_REVOCATION_LIST_BYTES, &pem);
	if (r < 0) {
		account->list_state = state_of_file(r, path, &account->list_why);
		goto out;
	}
	r = revocation_list_read(pem.data, pem.len, account->id, account->trust, &list, &account->list_why);
	if (r < 0) {
		account->list_state = state_of_content(r, path, &account->list_why);
		goto out;
	}
	account->list_state = compare_with_memory(list, store, remembers, &account->list_why);
	if (account->list_state == SIGNATURE_LIST_READ) {
		account->list = list;
		list = NULL;
	}
out:
	revocation_list_free(list);
	buf_done(&pem);
}
