/*
 * lists.h - the revocation list of one account: read, proved, compared with what was seen before.
 */
#ifndef GATE_LISTS_H
#define GATE_LISTS_H

#include "config/config.h"
#include "signature/signature.h"
#include "store/store.h"

/* What identifies a file's content without reading it. All-zero: there is no such file. */
struct trust_list_file {
	uint64_t dev;
	uint64_t ino;
	int64_t size;
	int64_t mtime_s;
	int64_t mtime_ns;
	int64_t ctime_s; /* which cp -p and rsync -a cannot set */
	int64_t ctime_ns;
};

struct trust_list_file lists_identify(const struct config_account *account);
bool lists_is_same_file(const struct trust_list_file *a, const struct trust_list_file *b);

/* Where an account's list may come from. */
struct lists_sources {
	const struct config_account *own;
	const struct config_account *other; /* the same account, of the host's own files or of the bundle; or NULL */
	struct store *store;		    /* as in trust_load */
	bool remembers;			    /* or trust_preview */
};

/*
 * Fills the list members of account, whose id and trust are set: the newest genuine list of all sources. A negative
 * errno: they are filled all the same, and could be others when the list is read again, since the reason may pass.
 */
int lists_read(const struct lists_sources *sources, struct signature_account *account);

#endif
