
/*
 * The local store: content by its digest, results by their stage key, jobs
 * by their id, all plain files under one directory.
 *
 *     blobs/ab/<sha256>      content
 *     results/ab/<key>       manifest: which blobs a stage run gave
 *     jobs/a/<id>            jobs not yet final: what 202 promised
 *     done/a/<id>            final ones, until their "keep" is over
 *     idem/ab/<sha256>       idempotency keys
 *     notify/, dead/         what is to be told of ended jobs (imgp_notice.h)
 *     tmp/                   being written; swept at start and when old
 *     alive                  empty; its bytes are locked (ngx_module)
 *
 * A file appears under its name only when whole, and with sync its bytes and
 * its name have been fsync'ed by then; but not those of results/, which can be
 * made again.  All calls may block and are for threads; a store is immutable
 * once it is made, and shared by all of them.  Errors: STORE_FULL (ENOSPC,
 * EDQUOT), else STORE_AWAY; "syserr" keeps errno for the log, the public
 * detail names no path.
 *
 * What is used gets a new mtime, unless that is younger than 30 seconds, and
 * the sweep spares what is younger than a minute when it begins; so a blob
 * that was just stored, or found by a result, stays for half a minute at
 * least, until its job is known to be one that needs it.
 */


#ifndef _IMGP_STORE_H_INCLUDED_
#define _IMGP_STORE_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_pool.h>
#include <imgp/imgp_digest.h>
#include <imgp/imgp_id.h>


#define IMGP_PATH_MAX  1024


typedef struct {
    imgp_str_t         path;          /* no final slash; NUL-terminated */
    imgp_uint_t        sync;
    imgp_uint_t        unnamed;       /* set by init: O_TMPFILE works here */
} imgp_store_t;


typedef struct {
    imgp_error_t       error;
    int                syserr;        /* errno, or 0 */
    const char        *call;          /* "rename", for the log */
} imgp_store_error_t;


/* makes the directories that are missing, mode 0700; the first of them is
   made by nginx's master */

imgp_int_t imgp_store_init(imgp_store_t *store, imgp_store_error_t *err);

/* makes the directories that names are spread over, so that no upload has
   to; costs a millisecond when they are there */

imgp_int_t imgp_store_spread(const imgp_store_t *store,
    imgp_store_error_t *err);

/* a path in the store: "<path>/<dir>/<ab>/<name>", the first "fan" characters
   of the name in <ab>; internal to src/store and for messages of the log */

#define IMGP_STORE_FAN_DIGEST  2
#define IMGP_STORE_FAN_ID      1

size_t imgp_store_path(const imgp_store_t *store, const char *dir,
    const char *name, imgp_uint_t fan, char *out);


/* ---- imgp_blob.c: content ---- */

typedef struct {
    const imgp_store_t  *store;
    int                  fd;          /* -1: none */
    imgp_digest_t       *digest;
    uint64_t             bytes;
    u_char               name[IMGP_DIGEST_LEN];
    imgp_uint_t          young;       /* known, its name may not be synced */
    char                 tmp[IMGP_PATH_MAX];
} imgp_blob_t;                        /* one being written */


/*
 * open, write..., seal, or hold for content that is there at once; then it
 * has its digest, and commit (or imgp_journal_accept) gives it its name.  An
 * abort may follow anything, but need not follow a failure; the next call
 * after a failed write fails, too.
 */

imgp_int_t imgp_blob_open(imgp_blob_t *b, const imgp_store_t *store,
    imgp_store_error_t *err);
imgp_int_t imgp_blob_write(imgp_blob_t *b, const void *p, size_t len,
    imgp_store_error_t *err);
imgp_int_t imgp_blob_seal(imgp_blob_t *b, u_char digest[IMGP_DIGEST_LEN],
    imgp_store_error_t *err);
imgp_int_t imgp_blob_hold(imgp_blob_t *b, const imgp_store_t *store,
    const void *p, size_t len, u_char digest[IMGP_DIGEST_LEN],
    imgp_store_error_t *err);
imgp_int_t imgp_blob_commit(imgp_blob_t *b, uint64_t *added,
    imgp_store_error_t *err);
void imgp_blob_abort(imgp_blob_t *b);

/* hold and commit; *added: bytes the store grew by (0: known), in blocks of
   4096; a known blob's mtime is renewed, so eviction spares it */

imgp_int_t imgp_blob_put(const imgp_store_t *store, const void *p,
    size_t len, u_char digest[IMGP_DIGEST_LEN], uint64_t *added,
    imgp_store_error_t *err);

/*
 * Content in memory, its length and digest checked; DECLINED: not there or
 * spoilt (spoilt content is removed, so that it is made anew).  The digest of
 * what this process has stored a moment ago need not be looked at again
 * ("trusted").
 */

imgp_int_t imgp_blob_map(const imgp_store_t *store, const imgp_item_t *item,
    imgp_uint_t trusted, imgp_str_t *map, imgp_store_error_t *err);
void imgp_blob_unmap(imgp_str_t *map);

void imgp_blob_path(const imgp_store_t *store,
    const u_char digest[IMGP_DIGEST_LEN], char *out);


/* ---- imgp_result.c: manifests ---- */

/* DECLINED: not known, older than "oldest" (ms since the epoch), spoilt, or
   one of its blobs is gone; items come from the pool */

imgp_int_t imgp_result_get(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t oldest,
    imgp_pool_t *pool, imgp_item_t **items, imgp_uint_t *nitems,
    imgp_store_error_t *err);
imgp_int_t imgp_result_put(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t now,
    const imgp_item_t *items, imgp_uint_t nitems, imgp_store_error_t *err);


/* ---- imgp_journal.c: jobs ---- */

/* writes a record to jobs/, or to done/ (and then takes it out of jobs/) */

imgp_int_t imgp_journal_write(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES], const u_char *record, size_t len,
    imgp_uint_t final, imgp_store_error_t *err);

/* the end of an upload: its content, sealed or held, and the record of the job
   that needs it are fsync'ed side by side; on IMGP_ERROR there is no job */

imgp_int_t imgp_journal_accept(imgp_blob_t *b, const u_char id[IMGP_ID_BYTES],
    const u_char *record, size_t len, imgp_uint_t final, uint64_t *added,
    imgp_store_error_t *err);

/* a failed job comes back: jobs/ first, then out of done/.  The revision in
   the record must have grown: by it the older of two is told after a crash. */

imgp_int_t imgp_journal_reopen(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES], const u_char *record, size_t len,
    imgp_store_error_t *err);

/* done/ first, then jobs/; DECLINED: neither; record is from the pool */

imgp_int_t imgp_journal_read(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES], imgp_pool_t *pool, imgp_str_t *record,
    imgp_store_error_t *err);

/* is it in jobs/?  A look without reading, for the event loop */

imgp_uint_t imgp_journal_waits(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES]);
imgp_int_t imgp_journal_remove(const imgp_store_t *store,
    const u_char id[IMGP_ID_BYTES]);

/*
 * Calls found() for every record of jobs/ (oldest first is not promised) until
 * it returns other than IMGP_OK, which is returned then (DECLINED is taken for
 * OK).  Those that are not wanted() are not read; spoilt ones are moved to tmp/
 * and counted, those of another version are counted only.
 */

typedef struct {
    imgp_uint_t        spoilt;
    imgp_uint_t        foreign;       /* of another version */
} imgp_journal_odd_t;


typedef struct {
    imgp_uint_t      (*wanted)(void *data, const u_char id[IMGP_ID_BYTES]);
    imgp_int_t       (*found)(void *data, const u_char *record, size_t len);
    void              *data;
    imgp_journal_odd_t  odd;          /* filled */
} imgp_journal_scan_t;


imgp_int_t imgp_journal_scan(const imgp_store_t *store,
    imgp_journal_scan_t *scan, imgp_store_error_t *err);

/* ---- imgp_idem.c: idempotency keys ---- */

/* binds key -> id for the first caller (OK); a later one gets
   the first one's id and body digest (DECLINED).  Older than "oldest": free */

imgp_int_t imgp_journal_bind(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], imgp_msec_t oldest,
    u_char id[IMGP_ID_BYTES], u_char body[IMGP_DIGEST_LEN],
    imgp_store_error_t *err);

/* DECLINED: it does not stand for this job, or no longer */

imgp_int_t imgp_journal_unbind(const imgp_store_t *store,
    const u_char key[IMGP_DIGEST_LEN], const u_char id[IMGP_ID_BYTES]);


/* ---- imgp_sweep.c: eviction ---- */

typedef struct {
    uint64_t           max_size;      /* bytes; 0: no limit */
    imgp_msec_t        inactive;      /* unused for so long: removed */
    imgp_msec_t        now;

    /* is this blob needed by a job?  Called from the sweeping thread. */
    imgp_uint_t      (*needed)(void *data,
                               const u_char digest[IMGP_DIGEST_LEN]);
    void              *data;
    volatile uint32_t *cancel;

    uint64_t           size;          /* found, after the sweep */
    uint64_t           removed;
    imgp_uint_t        files;
} imgp_sweep_t;


/*
 * One pass: tmp/ files of an hour, idempotency keys of two days, final jobs
 * past their keep, manifests and blobs unused for "inactive", then the longest
 * unused of these until max_size holds; never a blob that is needed, also by a
 * final job in done/ that is kept, or younger than a minute.  "needed" must
 * know all jobs there were 30 seconds before "now".  It remembers 100,000
 * files at most, so to shrink a store by more takes more passes.
 *
 * IMGP_AGAIN: canceled, size and files are not all.
 */

imgp_int_t imgp_sweep(const imgp_store_t *store, imgp_sweep_t *sweep,
    imgp_store_error_t *err);


#endif /* _IMGP_STORE_H_INCLUDED_ */
