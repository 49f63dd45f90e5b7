/*
 * session.h - one FUSE connection with a thread that runs its loop.
 *
 * The connection belongs to a descriptor of /dev/fuse that somebody else has mounted. The loop ends when the
 * filesystem is unmounted and nobody uses it any more, or when session_stop ends it; either way *on_end is told.
 *
 * While somebody else keeps the descriptor open, a connection outlives the daemon that serves it: its callers wait, and
 * another daemon takes it over (agreement.h), and has the kernel send again what it has sent to the first.
 */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include <fuse_lowlevel.h>

#include "base/base.h"
#include "memory.h"

struct session;

/* What a daemon before has left of this connection, or what is left for the next one. */
struct session_memory {
	int fd;
	enum memory_side side;
	bool takes_over;
	/* What is sent again is answered EIO: it may be what the daemons before have died of. */
	bool refuses_resent;
};

/* end_fd: an eventfd that is written to when the loop has ended. */
int session_new(const struct fuse_lowlevel_ops *ops, void *userdata, int end_fd, struct session **ret);

/*
 * Takes the descriptor over, also when it fails, and starts to serve it: the kernel's INIT is answered when it returns.
 * -ENODATA, -EBADMSG, -EPROTO: it cannot be taken over (agreement_replay).
 */
int session_start(struct session *session, int fuse_fd, const struct session_memory *memory);

/* Of one that took over: the kernel sends again what the daemon before had read and not answered. */
int session_resend(struct session *session);
/* Whether this is such a request. Asked by the thread that serves it. */
bool session_is_resent(fuse_req_t req);

/* Started, and its loop has not ended. */
bool session_is_running(const struct session *session);

/* What session_new was given. userdata: what libfuse hands to operations. */
void *session_userdata(void *userdata);

/* For notifications; valid until session_free. */
struct fuse_session *session_fuse(struct session *session);

/* Ends the loop and waits for its threads; requests in work are answered first. Fine when it is not running. */
void session_stop(struct session *session);
/* Stops it as well. The connection is cut. */
void session_free(struct session *session);

#endif
