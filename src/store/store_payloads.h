/*
 * store_payloads.h - the descriptors of objects that are open, of which a bounded number stays open.
 *
 * Whoever reads takes the descriptor and gives it back; those that nobody has taken are closed in turn, the ones that
 * were not used for long first, and opened again when they are needed (store_object.c does that). A payload may be
 * closed once it is let go; one that is kept stays open, because its file has no name to be opened by, or will not
 * have.
 *
 * Taking one that is open costs no lock. The lock guards all the rest, is the last of all and never held across I/O but
 * the dup3 of store_payload_adopt.
 */
#ifndef STORE_PAYLOADS_H
#define STORE_PAYLOADS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/base.h"

/* Of RLIMIT_NOFILE: uploads may have three quarters, and what is left is for clients, records and directories. */
#define STORE_PAYLOADS_SHARE 8
#define STORE_PAYLOADS_MAX   ((size_t)16384) /* each keeps an inode in the kernel's memory, about 1.5 KiB */

struct store_payload {
	atomic_int users;     /* who reads now; -1: closed */
	atomic_bool was_used; /* since the hand came by */
	int fd;
	bool is_kept;
	uint64_t changes;		       /* how many files it has had */
	struct store_payload *next, *previous; /* in the ring: open, and not kept */
};

struct store_payloads {
	pthread_mutex_t lock;
	struct store_payload *hand; /* where the search for one to close goes on */
	size_t count, max;	    /* of the ring */
};

/* Asks for RLIMIT_NOFILE: raise it before. */
void store_payloads_init(struct store_payloads *payloads);
/* All payloads are done by now. */
void store_payloads_done(struct store_payloads *payloads);
/* r says that there is no descriptor: closes one and returns true, or false. */
bool store_payloads_make_room(struct store_payloads *payloads, int r);

/* Takes fd over; kept. */
void store_payload_init(struct store_payload *payload, int fd);
void store_payload_done(struct store_payloads *payloads, struct store_payload *payload);
void store_payload_keep(struct store_payloads *payloads, struct store_payload *payload);
void store_payload_let_go(struct store_payloads *payloads, struct store_payload *payload);

/* False: it is closed. What is taken has its fd until it is given back. */
bool store_payload_take(struct store_payload *payload);
void store_payload_give_back(struct store_payload *payload);

/*
 * To open a closed one: ask for changes, open the file by its name (*fd: the result, or a negative errno), offer it.
 * Another file may have got that name and been given to the payload meanwhile, so what is offered is not taken when
 * there were changes; the caller closes what is left in *fd. True: try again to take it; false: it is closed as before.
 */
uint64_t store_payload_changes(struct store_payloads *payloads, const struct store_payload *payload);
bool store_payload_offer(struct store_payloads *payloads, struct store_payload *payload, uint64_t changes, int *fd);

/* Reads the other one's file from now on, in one go, under whoever reads; let go. False: nothing has changed. */
bool store_payload_adopt(struct store_payloads *payloads, struct store_payload *payload, struct store_payload *from);

#endif
