/*
 * lists.c - reads revocation lists. A list that cannot be used leaves a state and a sentence, and policy makes "could
 * not be checked" of them; what may pass (no memory, a disk that fails) is told besides, so that somebody looks again.
 *
 * The store remembers, for each account, "sequence: <n>" and "digest: <SHA-256 of the statement>" of the newest list
 * seen, so that an attacker who brings back an older list of genuine signature gains nothing. Of an account whose list
 * comes with policy bundles it keeps the list itself, too: an older bundle that is taken up again would otherwise bring
 * back an older list, and nothing of that account could be decided.
 */
#include "lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/access.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"

#define PATH_TEXT_SIZE 256
#define KEPT_NAME_SIZE (ARN_ACCOUNT_SIZE + 5)

struct trust_list_file lists_identify(const struct config_account *account)
{
	struct stat st;
	if (!account->revocations || account->revocations_text || stat(account->revocations, &st) < 0)
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

/* The newest list found so far; of none: what the account's own source is. */
struct search {
	const struct lists_sources *sources;
	const struct signature_account *account;
	struct revocation_list *list;
	struct buf pem; /* of that list */
	enum signature_list_state state;
	struct explain why;
	int failure; /* the first that may pass */
};

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

static void kept_name(const char *account, char ret[KEPT_NAME_SIZE])
{
	(void)snprintf(ret, KEPT_NAME_SIZE, "%s.list", account);
}

/* pem: the list itself, to be kept; or empty. */
static int remember(struct store *store, const struct revocation_list *list, const struct buf *pem)
{
	char hex[CRYPTO_SHA256_HEX_SIZE], kept[KEPT_NAME_SIZE];
	text_hex(list->digest, sizeof(list->digest), hex);
	kept_name(list->account, kept);
	struct buf text = {0};
	int r = pem->len > 0 ? store_put_revocations(store, kept, pem->data, pem->len) : 0;
	if (r == 0)
		r = buf_printf(&text, "sequence: %llu\ndigest: %s\n", (unsigned long long)list->sequence, hex);
	if (r == 0)
		r = store_put_revocations(store, list->account, text.data, text.len);
	if (r < 0 && r != -EROFS)
		log_warning("revocation list %llu of account %s could not be remembered: %s",
			    (unsigned long long)list->sequence, list->account, strerror(-r));
	buf_done(&text);
	return r == -EROFS ? 0 : r;
}

/* A failure that says nothing of the list: the next look may find another. */
static bool may_pass(int r)
{
	return r < 0 && r != -ENOENT && r != -EFBIG && r != -EBADMSG;
}

static void note_failure(struct search *s, int r)
{
	if (may_pass(r) && s->failure == 0)
		s->failure = r;
}

/* Compares a genuine list with the memory. */
static enum signature_list_state compare_with_memory(struct search *s, const struct revocation_list *list,
						     bool *ret_is_news, struct explain *ret_why)
{
	struct store *store = s->sources->store;
	if (!store)
		return SIGNATURE_LIST_READ;

	uint64_t seen = 0;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	int r = recall(store, list->account, &seen, digest);
	if (r == -ENOENT) {
		*ret_is_news = true;
		return SIGNATURE_LIST_READ;
	}
	if (r < 0) {
		note_failure(s, r);
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
	*ret_is_news = list->sequence > seen;
	return SIGNATURE_LIST_READ;
}

/* Only a file that is truly absent is a missing list; that is what a configuration can excuse. */
static enum signature_list_state state_of_file(int r, const char *file, const char *path, struct explain *ret_why)
{
	char words[ACCESS_WORDS_SIZE];
	switch (r) {
	case -ENOENT:
		explain_set(ret_why, "there is no revocation list at %s", path);
		return SIGNATURE_LIST_MISSING;
	case -EFBIG:
		explain_set(ret_why, "%s is larger than a revocation list may be", path);
		return SIGNATURE_LIST_BAD;
	default:
		explain_set(ret_why, "the revocation list at %s cannot be read: %s", path,
			    access_words(file, r, words));
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

/* Takes pem over. */
static int consider(struct search *s, struct buf *pem, struct explain *ret_why)
{
	struct revocation_list *list = NULL;
	int r = revocation_list_read(pem->data, pem->len, s->account->id, s->account->trust, &list, ret_why);
	if (r == 0 && (!s->list || list->sequence > s->list->sequence)) {
		revocation_list_free(s->list);
		buf_done(&s->pem);
		s->list = list;
		s->pem = *pem;
		*pem = (struct buf){0};
		list = NULL;
	}
	revocation_list_free(list);
	buf_done(pem);
	return r;
}

static enum signature_list_state look_at(struct search *s, const struct config_account *config, struct explain *ret_why)
{
	char path[PATH_TEXT_SIZE];
	struct buf pem = {0};
	if (!config->revocations) {
		explain_set(ret_why, "no revocation list is configured for account %s", s->account->id);
		return SIGNATURE_LIST_MISSING;
	}
	text_escape_print(path, sizeof(path), config->revocations, strlen(config->revocations));
	int r = config->revocations_text ? buf_puts(&pem, config->revocations_text)
					 : io_read_path(config->revocations, LIMIT_REVOCATION_LIST_BYTES, &pem);
	if (r < 0) {
		buf_done(&pem);
		note_failure(s, r);
		return state_of_file(r, config->revocations, path, ret_why);
	}
	r = consider(s, &pem, ret_why);
	note_failure(s, r);
	return r < 0 ? state_of_content(r, path, ret_why) : SIGNATURE_LIST_READ;
}

static bool comes_with_a_bundle(const struct lists_sources *sources)
{
	return sources->own->revocations_text || (sources->other && sources->other->revocations_text);
}

/* A list that is kept is as good as its signature: what is wrong with it makes nothing worse. */
static void look_at_kept(struct search *s)
{
	char name[KEPT_NAME_SIZE];
	struct buf pem = {0};
	kept_name(s->account->id, name);
	if (s->sources->store && store_get_revocations(s->sources->store, name, &pem) == 0)
		(void)consider(s, &pem, NULL);
	buf_done(&pem);
}

static void find_newest(struct search *s)
{
	s->state = look_at(s, s->sources->own, &s->why);
	if (s->sources->other)
		(void)look_at(s, s->sources->other, NULL);
	if (comes_with_a_bundle(s->sources))
		look_at_kept(s);
}

static void remember_found(struct search *s)
{
	const struct buf none = {0};
	if (s->sources->remembers && s->sources->store)
		note_failure(s,
			     remember(s->sources->store, s->list, comes_with_a_bundle(s->sources) ? &s->pem : &none));
}

int lists_read(const struct lists_sources *sources, struct signature_account *account)
{
	struct search s = {.sources = sources, .account = account};
	bool is_news = false;
	find_newest(&s);
	account->list = NULL;
	account->list_state = s.state;
	account->list_why = s.why;
	if (s.list) {
		account->list_why = (struct explain){0};
		account->list_state = compare_with_memory(&s, s.list, &is_news, &account->list_why);
	}
	if (is_news)
		remember_found(&s);
	if (account->list_state == SIGNATURE_LIST_READ) {
		account->list = s.list;
		s.list = NULL;
	}
	revocation_list_free(s.list);
	buf_done(&s.pem);
	return s.failure;
}
