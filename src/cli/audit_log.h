/* audit_log.h - how commands get at the records of the audit log, of a mount or of its files. Private to src/cli. */
#ifndef CLI_AUDIT_LOG_PRIVATE_H
#define CLI_AUDIT_LOG_PRIVATE_H

#include "base/buf.h"
#include "overview/event.h"

#define CLI_RECENT ".vouchfs/recent"
#define CLI_EVENTS ".vouchfs/events"

/*
 * The directory of the log: that of a store, or of the log itself (place), else that of the store in the configuration.
 * Only root and its owner may look into it. Negative errno after having said why.
 */
int cli_open_audit_log(const char *given_config, const char *place, int *ret_dirfd);
/* The store of a configuration. */
int cli_audit_store(const char *given_config, char **ret);
/* Where nothing is to be said when it cannot be opened; -1 then. */
int cli_open_audit_log_if_allowed(const char *given_config);

/* A line without its newline; true: go on. */
typedef bool cli_take_line(void *ctx, const char *line, size_t len);
/* All whole lines from the segment on that has this record. */
int cli_each_record(int log_dirfd, uint64_t from_seq, cli_take_line *take, void *ctx);
/* All lines of an open file, as they come. */
int cli_each_line(int fd, cli_take_line *take, void *ctx);

/* The line of one record: of a mount (-1: there is none) what it has in memory, else of the log, where that may be
 * read. -ENOENT: there is no such record; -EACCES: only root and the store's owner can say. */
int cli_find_record(int mount_dirfd, const char *given_config, uint64_t seq, struct buf *ret_line);

/* As wide as the terminal; elsewhere nothing is cut. */
struct overview_screen cli_event_screen(void);

#endif
