/*
 * channel.h - how the supervisor and the daemon talk: a pair of sockets that keep messages apart.
 *
 *     supervisor (mounts, unmounts)                     daemon (serves)
 *                    MEMORY + descriptor ----------->             its text: the incarnation, 1 at the mount's start
 *                    NODES + descriptor ------------>             (slots_options.memory_fd)
 *                    <------------------------------- OPENED       what is served is open: errors have been said
 *     mounts MNT     TREE + descriptor ------------->
 *                    <------------------------------- SERVING      answers on this connection
 *     mounts run     RUN + descriptor -------------->              (a deployment)
 *                    <------------------------------- SERVING
 *     "ready"        READY ------------------------->              logs to syslog from here on
 *                    <------------------------------- STATUS       what is served, in a sentence; again after reloads
 *                                 ...
 *     SIGUSR2        LEAVE -------------------------->             finishes what is being written, ends; stays mounted
 *                                 ...
 *     SIGHUP         RELOAD ------------------------>             its text: the number of the request
 *                    <------------------------------- RELOADED     that number (0: nobody's) in a line, and the errors
 *     watchdog       PING -------------------------->
 *                    <------------------------------- PONG         from the main thread
 *                    <------------------------------- REMEDY       the name of a file in conf.d (remedy.h)
 *     renames it     REMEDIED ---------------------->              what it is called now, or why not
 *                    <------------------------------- STOP         was told to end: asks the supervisor to
 *     SIGTERM        DRAIN ------------------------->              takes no more uploads, finishes verdicts
 *                    <------------------------------- DRAINED
 *     unmounts       QUIT -------------------------->              ends
 *
 * The end of either process is an end of file for the other. Descriptors come from the supervisor alone.
 */
#ifndef FS_CHANNEL_H
#define FS_CHANNEL_H

#include "base/base.h"

#define CHANNEL_TEXT_SIZE 65536 /* all errors of a configuration */

enum channel_kind {
	CHANNEL_MEMORY = 1,
	CHANNEL_NODES,
	CHANNEL_OPENED,
	CHANNEL_TREE,
	CHANNEL_RUN,
	CHANNEL_SERVING,
	CHANNEL_READY,
	CHANNEL_STATUS,
	CHANNEL_RELOAD,
	CHANNEL_RELOADED,
	CHANNEL_PING,
	CHANNEL_PONG,
	CHANNEL_REMEDY,
	CHANNEL_REMEDIED,
	CHANNEL_STOP,
	CHANNEL_LEAVE,
	CHANNEL_DRAIN,
	CHANNEL_DRAINED,
	CHANNEL_QUIT,
};

struct channel_message {
	enum channel_kind kind;
	int fd;			      /* -1: none; the receiver's to close */
	char text[CHANNEL_TEXT_SIZE]; /* cut when it was longer */
};

/* The first end is the supervisor's, and never waits: who does not read holds nobody up. */
int channel_pair(int ret[2]);

/* text may be NULL, fd -1. -EPIPE: the other side is gone; -EAGAIN, of the supervisor's end: it does not read. */
int channel_send(int channel, enum channel_kind kind, const char *text, int fd);

/* Waits, but at the supervisor's end: -EAGAIN. -EPIPE: the other side is gone. */
int channel_receive(int channel, struct channel_message *ret);
/* The same for the supervisor, which wants no descriptor of a daemon that could be somebody else's: fd is -1. Its text
 * has no control characters but newlines and tabs. */
int channel_receive_text(int channel, struct channel_message *ret);

#endif
