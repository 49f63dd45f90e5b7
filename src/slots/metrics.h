/*
 * metrics.h - what a mount counts, the text of .vouchfs/metrics, and the file that node_exporter reads. Private to
 * src/slots.
 */
#ifndef SLOTS_METRICS_PRIVATE_H
#define SLOTS_METRICS_PRIVATE_H

#include "internal.h"
#include "overview/metrics.h"

struct slots_metrics;

/* Listens to the audit log from now on. */
int slots_metrics_new(struct slots *slots, struct slots_metrics **ret);
/* The file, whose content would be old, is removed, and nothing is looked at any more. NULL is fine, here and below. */
void slots_metrics_end(struct slots_metrics *metrics);
/* When the log tells nobody any more. */
void slots_metrics_free(struct slots_metrics *metrics);

/*
 * After the start and after each reload: begins to write metrics_textfile, where one is configured. From then on a
 * thread of its own writes it: after a change, soon but not over and over, and once in metrics_interval. Without that
 * key nobody wakes up for it. What goes wrong is logged once, and is in nobody's way.
 */
void slots_metrics_follow(struct slots_metrics *metrics);

/* An attempt has ended, as the slot's note says now. */
void slots_metrics_count(struct slot *slot, enum metrics_outcome outcome, enum policy_reason reason);

int control_render_metrics(struct slots *slots, struct buf *ret);

/* ---- the file (metrics_file.c) ---- */

struct metrics_file;
int metrics_file_new(struct slots *slots, struct metrics_file **ret);
void metrics_file_end(struct metrics_file *file);
void metrics_file_free(struct metrics_file *file);
void metrics_file_follow(struct metrics_file *file);
/* There is something new to be written. Returns at once; no lock is taken under it. */
void metrics_file_poke(struct metrics_file *file);

#endif
