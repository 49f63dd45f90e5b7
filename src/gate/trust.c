/*
 * trust.c - makes a trust of a configuration: certificates first (they must be good), then lists. What a policy bundle
 * has to do with it is in trust_load.c.
 */
#include "gate/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"
#include "govern.h"
#include "lists.h"
#include "trust_make.h"

/* The one variable of this module: numbers have to grow over all trusts that a process makes. */
static uint64_t next_generation(void)
{
	static _Atomic uint64_t last;
	return atomic_fetch_add(&last, 1) + 1;
}

/* Room for the accounts of a configuration; they are empty yet. */
static struct trust *trust_new(size_t account_count)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	if (!trust)
		return NULL;
	trust->refs = 1;
	trust->generation = next_generation();
	trust->accounts = calloc(account_count + 1, sizeof(*trust->accounts));
	trust->list_files = calloc(account_count + 1, sizeof(*trust->list_files));
	if (!trust->accounts || !trust->list_files) {
		trust_unref(trust);
		return NULL;
	}
	trust->account_count = account_count;
	return trust;
}

uint64_t trust_family(const struct trust *trust)
{
	return trust->origin ? trust->origin->generation : trust->generation;
}

struct trust *trust_ref(struct trust *trust)
{
	(void)__atomic_add_fetch(&trust->refs, 1, __ATOMIC_RELAXED);
	return trust;
}

void trust_unref(struct trust *trust)
{
	if (!trust || __atomic_sub_fetch(&trust->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < trust->account_count; i++) {
		crypto_trust_unref(trust->accounts[i].trust);
		revocation_list_free(trust->accounts[i].list);
	}
	crypto_trust_unref(trust->timestamp_authority);
	govern_free(trust->governed);
	trust_unref(trust->local);
	free(trust->accounts);
	free(trust->list_files);
	if (trust->origin)
		trust_unref(trust->origin);
	else
		config_free(trust->config);
	free(trust);
}

/*
 * Whoever may write a certificate decides what is trusted, as with the configuration: so it has to be root's, or the
 * user's who this process is or whom the configuration names, and nobody else's to write.
 */
static int check_writers(int fd, const char *shown, const struct config *config, struct explain *why)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	uid_t user;
	bool is_users = config->user && access_find_user(config->user, &user) && st.st_uid == user;
	char owner[ACCESS_USER_SIZE];
	if (st.st_uid != 0 && st.st_uid != geteuid() && !is_users)
		explain_set(why, "it belongs to %s, who could change whose signatures count; `chown 0 %s`",
			    access_user(st.st_uid, owner), shown);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		explain_set(why,
			    "it has mode %04o: others than its owner could change whose signatures count; "
			    "`chmod go-w %s`",
			    (unsigned)(st.st_mode & 07777), shown);
	else
		return 0;
	return -EPERM;
}

/* What an error is about: the key, its file, and what the file has where it came with the bundle. */
struct certificate_place {
	const char *key;
	const char *file;
	const char *text;
	const char *expected;
};

static int read_pem(const char *file, const char *shown, const struct config *config, struct buf *ret,
		    struct explain *why)
{
	char words[ACCESS_WORDS_SIZE];
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : check_writers(fd, shown, config, why);
	if (r == 0)
		r = io_read_fd(fd, LIMIT_PEM_FILE_BYTES, ret);
	if (r < 0 && !why->text[0])
		explain_set(why, "%s", access_words(file, r, words));
	io_close(&fd);
	return r;
}

/* Reads a PEM file of CA certificates; a failure becomes a line of errors and -EINVAL. */
static int read_trust(const struct certificate_place *place, const struct config *config, struct crypto_trust **ret,
		      struct buf *ret_errors)
{
	char shown[512];
	struct buf pem = {0};
	struct explain why = {0};
	text_escape_print(shown, sizeof(shown), place->file, strlen(place->file));
	int r = place->text ? buf_puts(&pem, place->text) : read_pem(place->file, shown, config, &pem, &why);
	bool is_locked = r == -EACCES || r == -EPERM; /* then nothing is wrong with what it is */
	if (r == 0)
		r = crypto_trust_from_pem(pem.data, pem.len, ret, &why);
	buf_done(&pem);
	if (r == 0 || r == -ENOMEM)
		return r;

	r = buf_printf(ret_errors, "%s%s = %s: %s%s%s\n", place->text ? "policy bundle: " : "", place->key, shown,
		       why.text, is_locked ? "" : "; expected ", is_locked ? "" : place->expected);
	return r < 0 ? r : -EINVAL;
}

static int read_account(const struct config *config, const struct config_account *account,
			struct signature_account *ret, struct buf *ret_errors)
{
	char key[PATH_MAX + 64];
	const struct certificate_place place = {
		.key = key,
		.file = account->certificate,
		.text = account->certificate_text,
		.expected = "the PEM file of the account's CA, which `vouchfs signer export-trust` writes and "
			    "`vouchfs init --trust` puts here",
	};
	memcpy(ret->id, account->id, sizeof(ret->id));
	ret->revocations_required = account->revocations_required;
	(void)snprintf(key, sizeof(key), "%s: [account %s] certificate", config->path, account->id);
	return read_trust(&place, config, &ret->trust, ret_errors);
}

static int read_timestamp_authority(const struct config *config, struct crypto_trust **ret, struct buf *ret_errors)
{
	char key[PATH_MAX + 64];
	const struct certificate_place place = {
		.key = key,
		.file = config->timestamp_authority,
		.text = config->timestamp_authority_text,
		.expected = "the PEM file of the time stamp authority's root CA",
	};
	if (!config->timestamp_authority)
		return 0;
	(void)snprintf(key, sizeof(key), "%s: [vouchfs] timestamp_authority", config->path);
	return read_trust(&place, config, ret, ret_errors);
}

static const struct config_account *find_section(const struct config *config, const char *id)
{
	for (size_t i = 0; config && i < config->account_count; i++)
		if (strcmp(config->accounts[i].id, id) == 0)
			return &config->accounts[i];
	return NULL;
}

static struct lists_sources sources_of(const struct trust *trust, size_t account, const struct config *others)
{
	const struct config_account *own = &trust->config->accounts[account];
	return (struct lists_sources){.own = own, .other = find_section(others, own->id)};
}

int trust_read_lists(struct trust *trust, const struct config *others, struct store *store, bool remembers)
{
	bool has_no_memory = false;
	trust->unread_lists = 0;
	for (size_t i = 0; i < trust->account_count; i++) {
		struct lists_sources sources = sources_of(trust, i, others);
		sources.store = store;
		sources.remembers = remembers;
		/* Identified before it is read: a change in between is found by the next refresh. */
		trust->list_files[i] = lists_identify(sources.own);
		revocation_list_free(trust->accounts[i].list);
		int r = lists_read(&sources, &trust->accounts[i]);
		trust->unread_lists += r < 0;
		has_no_memory |= r == -ENOMEM;
	}
	return has_no_memory ? -ENOMEM : 0;
}

static void remember_lists(const struct trust *trust, const struct config *others, struct store *store)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		struct lists_sources sources = sources_of(trust, i, others);
		struct signature_account again = trust->accounts[i];
		sources.store = store;
		sources.remembers = true;
		(void)lists_read(&sources, &again);
		revocation_list_free(again.list);
	}
}

void trust_remember_lists(const struct trust *trust, struct store *store)
{
	remember_lists(trust, trust->local ? trust->local->config : NULL, store);
	if (trust->local)
		remember_lists(trust->local, trust->config, store);
}

int trust_make(struct config *config, struct trust **ret, struct buf *ret_errors)
{
	struct trust *trust = trust_new(config->account_count);
	if (!trust) {
		config_free(config);
		return -ENOMEM;
	}
	trust->config = config;

	int r = 0;
	for (size_t i = 0; i < trust->account_count; i++) {
		int failed = read_account(config, &config->accounts[i], &trust->accounts[i], ret_errors);
		r = failed < 0 ? failed : r;
	}
	int failed = read_timestamp_authority(config, &trust->timestamp_authority, ret_errors);
	r = failed < 0 ? failed : r;
	if (r < 0) {
		trust_unref(trust);
		return r;
	}
	*ret = trust;
	return 0;
}

static bool lists_have_changed(const struct trust *trust)
{
	for (size_t i = 0; i < trust->account_count; i++) {
		struct trust_list_file now = lists_identify(&trust->config->accounts[i]);
		if (!lists_is_same_file(&now, &trust->list_files[i]))
			return true;
	}
	return trust->local && lists_have_changed(trust->local);
}

/* The same without lists, and without what is governed. */
static struct trust *copy_trust(struct trust *trust)
{
	struct trust *next = trust_new(trust->account_count);
	if (!next)
		return NULL;
	next->origin = trust_ref(trust->origin ? trust->origin : trust);
	next->config = trust->config;
	next->timestamp_authority = trust->timestamp_authority ? crypto_trust_ref(trust->timestamp_authority) : NULL;
	for (size_t i = 0; i < trust->account_count; i++) {
		const struct signature_account *account = &trust->accounts[i];
		memcpy(next->accounts[i].id, account->id, sizeof(account->id));
		next->accounts[i].revocations_required = account->revocations_required;
		next->accounts[i].trust = crypto_trust_ref(account->trust);
	}
	return next;
}

/* What is in force stays what it is; whether somebody has to act is judged by the lists as they are now. */
static int refresh_governed(const struct trust *trust, struct store *store, struct trust *next)
{
	ASSERT(trust->local && trust->governed);
	next->local = copy_trust(trust->local);
	next->governed = govern_copy(trust->governed);
	if (!next->local || !next->governed)
		return -ENOMEM;
	(void)trust_read_lists(next->local, next->config, store, true); /* undecided, until it is read again */
	govern_weigh(next->governed, next->local);
	return 0;
}

static size_t count_unread(const struct trust *trust)
{
	return trust->unread_lists + (trust->local ? trust->local->unread_lists : 0);
}

bool trust_has_unread_list(const struct trust *trust)
{
	return count_unread(trust) > 0;
}

int trust_refresh(struct trust *trust, struct store *store, struct trust **ret)
{
	bool is_due = lists_have_changed(trust) || (trust->governed && govern_is_due(trust->governed, trust->local));
	if (!is_due && !trust_has_unread_list(trust)) {
		*ret = trust_ref(trust);
		return 0;
	}
	struct trust *next = copy_trust(trust);
	if (!next)
		return -ENOMEM;
	(void)trust_read_lists(next, trust->local ? trust->local->config : NULL, store, true);
	int r = trust->governed ? refresh_governed(trust, store, next) : 0;
	if (r < 0) {
		trust_unref(next);
		return r;
	}
	if (!is_due && count_unread(next) >= count_unread(trust)) { /* as before */
		trust_unref(next);
		next = trust_ref(trust);
	}
	*ret = next;
	return 0;
}
