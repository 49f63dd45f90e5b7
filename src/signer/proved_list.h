/*
 * proved_list.h - the revocation list that was proved last, with the bytes it was proved from. The same bytes need no
 * proof again, which a signing service would make at each look into a slot. Private to this module.
 */
#ifndef SIGNER_PROVED_LIST_H
#define SIGNER_PROVED_LIST_H

#include <pthread.h>

#include "base/buf.h"
#include "signature/revocations.h"

struct proved_list {
	pthread_mutex_t lock; /* all below; last in the order */
	struct buf pem;
	struct revocation_list *list; /* NULL: none yet */
};

void proved_list_init(struct proved_list *proved);
void proved_list_done(struct proved_list *proved);

/* A copy of the list when it was proved from these bytes; revocation_list_free. -ENOENT: prove it. */
int proved_list_get(struct proved_list *proved, const struct buf *pem, struct revocation_list **ret);
/* Remembers that these bytes prove the list; forgets the one before. Without memory nothing is remembered. */
void proved_list_put(struct proved_list *proved, const struct buf *pem, const struct revocation_list *list);

#endif
