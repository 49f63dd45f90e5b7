/*
 * events.h - the last records of the audit log in memory, and who reads on as they come. Private to src/slots, but for
 * the waker in tree.h.
 *
 *     audit_append --listener--> ring of lines --> recent: all of it, at once
 *                                              --> readers: each has a place in the ring, and waits at its end
 *
 * The ring is bounded by count and by bytes, whoever reads. A reader whose place has fallen out of it gets a line that
 * says so, {"schema":1,"event":"missed","firstSeq":...,"lastSeq":...,"count":...}, and goes on with the oldest record.
 */
#ifndef SLOTS_EVENTS_H
#define SLOTS_EVENTS_H

#include <sys/types.h>

#include "audit/audit.h"
#include "base/buf.h"
#include "slots/tree.h"

struct events;
struct events_reader;

/* Holds the tail of the log in a directory, and from now on what is appended to it. To be called before anybody does;
 * given back after the log is closed. */
int events_new(struct audit *audit, int log_dirfd, struct events **ret);
void events_free(struct events *events);

/* Who is told when there is something for readers that found nothing. Nobody is any more once this returns. */
void events_set_waker(struct events *events, const struct tree_waker *waker);

/* All records in the ring, a line each. */
int events_print(struct events *events, struct buf *ret);

/*
 * Whoever opens it now is told of what is recorded from now on. -ENFILE: there are LIMIT_EVENT_READERS, or as many as
 * there may be without those kept for root and the service's user (is_reserved).
 */
int events_reader_new(struct events *events, bool is_reserved, struct events_reader **ret);
void events_reader_free(struct events_reader *reader);

/* Whole lines, as many as fit, or a part of one that does not; -EAGAIN: there is none yet; 0: it has ended. */
ssize_t events_read(struct events_reader *reader, void *buf, size_t len);
bool events_is_ready(struct events_reader *reader); /* a read would not say -EAGAIN */

/* Ends those who read now. for_good: and whoever comes later. */
void events_end(struct events *events, bool for_good);

#endif
