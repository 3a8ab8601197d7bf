
/*
 * Notices on disk: JSON with the message as it is sent, so that an attempt
 * after hours sends and signs the same bytes, and a person can read what was
 * not delivered.  A name is ID-REVISION-TARGET-PIPELINE.
 *
 * A notice is written before the end of its job is (ngx_module): then a crash
 * can leave a notice without an end, but no end without a notice.  What the
 * journal knows of the job tells in imgp_notice_take() whether to wait.
 *
 * Called by threads; no state.
 */


#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <imgp/imgp_file.h>
#include <imgp/imgp_json.h>
#include <imgp/imgp_notice.h>
#include <imgp/imgp_record.h>


#define IMGP_NOTICE_VERSION  1
#define IMGP_NOTICE_SOON     1000     /* ms: the job's end is being stored */
#define IMGP_NOTICE_LATER    30000    /* it runs again */
#define IMGP_NOTICE_PART     4        /* of the time since, in between */

/* later than any retry: the clock was wrong */

#define IMGP_NOTICE_FUTURE   (8 * 24 * 3600 * 1000ull)


static imgp_int_t imgp_notice_write(const imgp_store_t *store,
    const char *dir, const imgp_notice_t *notice, imgp_msec_t mtime,
    imgp_store_error_t *err);
static char *imgp_notice_encode(const imgp_notice_t *notice, size_t *len);
static imgp_int_t imgp_notice_decode(const imgp_str_t *text,
    imgp_pool_t *pool, imgp_notice_t *notice);
static imgp_int_t imgp_notice_number(json_t *doc, const char *name,
    uint64_t max, uint64_t *n);
static imgp_int_t imgp_notice_text(json_t *doc, const char *name,
    imgp_pool_t *pool, imgp_str_t *text);
static void imgp_notice_name(const imgp_notice_t *notice, char *out);
static imgp_int_t imgp_notice_parse(const char *name, imgp_notice_t *notice);
static void imgp_notice_add(imgp_notice_list_t *list, const char *name,
    imgp_msec_t due);
static imgp_int_t imgp_notice_ready(const imgp_store_t *store,
    const imgp_notice_t *notice, imgp_msec_t now, imgp_pool_t *pool,
    imgp_store_error_t *err);
static imgp_msec_t imgp_notice_later(const struct stat *st, imgp_msec_t now);
static imgp_msec_t imgp_notice_due(const struct stat *st);
static void imgp_notice_time(struct timespec times[2], imgp_msec_t ms);


imgp_int_t
imgp_notice_put(const imgp_store_t *store, const imgp_notice_t *notice,
    imgp_msec_t due, imgp_store_error_t *err)
{
    return imgp_notice_write(store, "notify", notice, due, err);
}


imgp_int_t
imgp_notice_bury(const imgp_store_t *store, const imgp_notice_t *notice,
    imgp_store_error_t *err)
{
    char  name[IMGP_NOTICE_NAME_LEN];

    if (imgp_notice_write(store, "dead", notice, 0, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_notice_name(notice, name);

    return imgp_notice_done(store, name, err);
}


imgp_int_t
imgp_notice_done(const imgp_store_t *store, const char *name,
    imgp_store_error_t *err)
{
    char  path[IMGP_PATH_MAX];

    imgp_store_path(store, "notify", name, 0, path);

    return imgp_file_remove(path, err);
}


/* an mtime of 0 is that of the moment */

static imgp_int_t
imgp_notice_write(const imgp_store_t *store, const char *dir,
    const imgp_notice_t *notice, imgp_msec_t mtime, imgp_store_error_t *err)
{
    char             name[IMGP_NOTICE_NAME_LEN], *text;
    size_t           len;
    imgp_int_t       rc;
    imgp_file_t      file;
    struct timespec  times[2];

    text = imgp_notice_encode(notice, &len);

    if (text == NULL) {
        errno = ENOMEM;
        return imgp_file_error(err, "malloc");
    }

    rc = imgp_file_begin(store, &file, text, len, err);

    free(text);

    if (rc != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (mtime) {
        imgp_notice_time(times, mtime);
        (void) futimens(file.fd, times);
    }

    imgp_notice_name(notice, name);
    imgp_store_path(store, dir, name, 0, file.path);

    return imgp_file_commit(store, &file, 1, store->sync, err);
}


static char *
imgp_notice_encode(const imgp_notice_t *notice, size_t *len)
{
    char         id[IMGP_ID_LEN + 1];
    imgp_json_t  doc = imgp_json_object();

    imgp_id_text(notice->id, id);

    imgp_json_set_int(&doc, "version", IMGP_NOTICE_VERSION);
    imgp_json_set(&doc, "id", imgp_json_text(id));
    imgp_json_set_int(&doc, "revision", notice->revision);
    imgp_json_set_int(&doc, "target", notice->target);
    imgp_json_set(&doc, "pipeline", imgp_json_str(&notice->pipeline));
    imgp_json_set_int(&doc, "attempts", notice->attempts);
    imgp_json_set_int(&doc, "since", notice->since);
    imgp_json_set_int(&doc, "expires", notice->expires);
    imgp_json_set(&doc, "reason", imgp_json_str(&notice->reason));
    imgp_json_set(&doc, "body", imgp_json_str(&notice->body));

    return imgp_json_dump(&doc, len);
}


static imgp_int_t
imgp_notice_decode(const imgp_str_t *text, imgp_pool_t *pool,
    imgp_notice_t *notice)
{
    json_t      *doc;
    uint64_t     version, attempts, since, expires;
    imgp_int_t   rc;

    doc = json_loadb((char *) text->data, text->len, JSON_REJECT_DUPLICATES,
                     NULL);

    if (doc == NULL) {
        return IMGP_DECLINED;
    }

    rc = IMGP_DECLINED;

    if (imgp_notice_number(doc, "version", IMGP_NOTICE_VERSION, &version)
        == IMGP_OK
        && imgp_notice_number(doc, "attempts", UINT32_MAX, &attempts)
           == IMGP_OK
        && imgp_notice_number(doc, "since", INT64_MAX, &since) == IMGP_OK
        && imgp_notice_number(doc, "expires", INT64_MAX, &expires) == IMGP_OK
        && imgp_notice_text(doc, "reason", pool, &notice->reason) == IMGP_OK
        && imgp_notice_text(doc, "body", pool, &notice->body) == IMGP_OK)
    {
        notice->attempts = (uint32_t) attempts;
        notice->since = since;
        notice->expires = expires;
        rc = IMGP_OK;
    }

    json_decref(doc);

    return rc;
}


static imgp_int_t
imgp_notice_number(json_t *doc, const char *name, uint64_t max, uint64_t *n)
{
    json_t         *value;
    json_int_t      i;

    value = json_object_get(doc, name);

    if (!json_is_integer(value)) {
        return IMGP_DECLINED;
    }

    i = json_integer_value(value);

    if (i < 0 || (uint64_t) i > max) {
        return IMGP_DECLINED;
    }

    *n = i;

    return IMGP_OK;
}


static imgp_int_t
imgp_notice_text(json_t *doc, const char *name, imgp_pool_t *pool,
    imgp_str_t *text)
{
    json_t  *value;

    value = json_object_get(doc, name);

    if (!json_is_string(value)) {
        return IMGP_DECLINED;
    }

    text->len = json_string_length(value);
    text->data = imgp_palloc(pool, text->len + 1);

    if (text->data == NULL) {
        return IMGP_DECLINED;
    }

    memcpy(text->data, json_string_value(value), text->len + 1);

    return IMGP_OK;
}


static void
imgp_notice_name(const imgp_notice_t *notice, char *out)
{
    char  id[IMGP_ID_LEN + 1];

    imgp_id_text(notice->id, id);

    (void) snprintf(out, IMGP_NOTICE_NAME_LEN, "%s-%u-%u-%.*s", id,
                    (unsigned) notice->revision, (unsigned) notice->target,
                    (int) imgp_min(notice->pipeline.len, IMGP_NAME_LEN),
                    (char *) notice->pipeline.data);
}


/* the pipeline is the rest of the name */

static imgp_int_t
imgp_notice_parse(const char *name, imgp_notice_t *notice)
{
    int       n;
    unsigned  revision, target;

    if (strlen(name) >= IMGP_NOTICE_NAME_LEN
        || strlen(name) <= IMGP_ID_LEN
        || imgp_id_parse((u_char *) name, IMGP_ID_LEN, notice->id) != IMGP_OK)
    {
        return IMGP_DECLINED;
    }

    n = 0;

    if (sscanf(name + IMGP_ID_LEN, "-%9u-%9u-%n", &revision, &target, &n) != 2
        || n == 0)
    {
        return IMGP_DECLINED;
    }

    notice->revision = revision;
    notice->target = target;
    notice->pipeline.data = (u_char *) name + IMGP_ID_LEN + n;
    notice->pipeline.len = strlen(name) - IMGP_ID_LEN - n;

    return notice->pipeline.len ? IMGP_OK : IMGP_DECLINED;
}


imgp_int_t
imgp_notice_scan(const imgp_store_t *store, imgp_notice_list_t *lists,
    imgp_uint_t nlists, imgp_msec_t now, imgp_notice_scan_t *scan,
    imgp_store_error_t *err)
{
    DIR            *dir;
    char            path[IMGP_PATH_MAX];
    imgp_msec_t     due;
    imgp_uint_t     i;
    struct stat     st;
    imgp_notice_t   notice;
    struct dirent  *entry;

    scan->pending = 0;
    scan->next = 0;

    for (i = 0; i < nlists; i++) {
        lists[i].n = 0;
    }

    imgp_store_path(store, "notify", "", 0, path);

    dir = opendir(path);

    if (dir == NULL) {
        return (errno == ENOENT) ? IMGP_OK : imgp_file_error(err, "opendir");
    }

    while ((entry = readdir(dir)) != NULL) {

        if (imgp_notice_parse(entry->d_name, &notice) != IMGP_OK
            || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW)
               == -1)
        {
            continue;
        }

        scan->pending++;

        due = imgp_notice_later(&st, now);

        if (due) {

            if (scan->next == 0 || due < scan->next) {
                scan->next = due;
            }

            continue;
        }

        for (i = 0; i < nlists; i++) {
            if (lists[i].target == notice.target
                && imgp_str_eq(&lists[i].pipeline, &notice.pipeline))
            {
                imgp_notice_add(&lists[i], entry->d_name,
                                imgp_notice_due(&st));
                break;
            }
        }
    }

    closedir(dir);

    return IMGP_OK;
}


/* kept in order; the latest goes when there are too many */

static void
imgp_notice_add(imgp_notice_list_t *list, const char *name, imgp_msec_t due)
{
    imgp_uint_t  i, max;

    max = imgp_min(list->max, IMGP_NOTICE_LIST);

    for (i = list->n; i > 0 && list->due[i - 1].due > due; i--) {
        if (i < max) {
            list->due[i] = list->due[i - 1];
        }
    }

    if (i >= max) {
        return;
    }

    list->due[i].due = due;
    memcpy(list->due[i].name, name, strlen(name) + 1);
    list->n = imgp_min(list->n + 1, max);
}


imgp_int_t
imgp_notice_take(const imgp_store_t *store, const char *name,
    imgp_msec_t now, imgp_pool_t *pool, imgp_notice_t *notice,
    imgp_store_error_t *err)
{
    char             path[IMGP_PATH_MAX];
    imgp_int_t       rc;
    imgp_str_t       text;
    imgp_msec_t      wait;
    struct stat      st;
    struct timespec  times[2];

    if (imgp_notice_parse(name, notice) != IMGP_OK) {
        return IMGP_DECLINED;
    }

    imgp_store_path(store, "notify", name, 0, path);

    if (stat(path, &st) == 0 && imgp_notice_later(&st, now)) {
        return IMGP_DECLINED;
    }

    rc = imgp_file_read(path, IMGP_NOTICE_MAX, pool, &text, err);

    if (rc != IMGP_OK) {
        return rc;
    }

    if (imgp_notice_decode(&text, pool, notice) != IMGP_OK) {
        (void) imgp_file_remove(path, NULL);
        return IMGP_DECLINED;
    }

    rc = imgp_notice_ready(store, notice, now, pool, err);

    if (rc == IMGP_AGAIN) {
        wait = now > notice->since ? (now - notice->since) / IMGP_NOTICE_PART
                                   : 0;
        wait = imgp_min(imgp_max(wait, IMGP_NOTICE_SOON), IMGP_NOTICE_LATER);

        imgp_notice_time(times, now + wait);
        (void) utimensat(AT_FDCWD, path, times, 0);
        return IMGP_DECLINED;
    }

    if (rc == IMGP_DECLINED) {
        (void) imgp_file_remove(path, NULL);
    }

    return rc;
}


/* OK; AGAIN: the job has not ended; DECLINED: it ended again, later, or it
   never came to be: of one that has, something is known until it expires */

static imgp_int_t
imgp_notice_ready(const imgp_store_t *store, const imgp_notice_t *notice,
    imgp_msec_t now, imgp_pool_t *pool, imgp_store_error_t *err)
{
    imgp_int_t          rc;
    imgp_str_t          record;
    imgp_record_head_t  head;

    rc = imgp_journal_read(store, notice->id, pool, &record, err);

    if (rc == IMGP_DECLINED) {
        return (now < notice->expires) ? IMGP_DECLINED : IMGP_OK;
    }

    if (rc != IMGP_OK) {
        return rc;
    }

    if (imgp_record_head(record.data, record.len, &head) != IMGP_OK) {
        return IMGP_OK;
    }

    if (!imgp_job_is_final(head.state)) {
        return IMGP_AGAIN;
    }

    return (head.revision > notice->revision) ? IMGP_DECLINED : IMGP_OK;
}


/* when it is due, if that is after "now", and the clock was right; or 0 */

static imgp_msec_t
imgp_notice_later(const struct stat *st, imgp_msec_t now)
{
    imgp_msec_t  due;

    due = imgp_notice_due(st);

    return (due > now && due - now < IMGP_NOTICE_FUTURE) ? due : 0;
}


static imgp_msec_t
imgp_notice_due(const struct stat *st)
{
    return (imgp_msec_t) st->st_mtim.tv_sec * 1000
           + st->st_mtim.tv_nsec / 1000000;
}


static void
imgp_notice_time(struct timespec times[2], imgp_msec_t ms)
{
    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = (time_t) (ms / 1000);
    times[1].tv_nsec = (long) (ms % 1000) * 1000000;
}


imgp_uint_t
imgp_notice_dead(const imgp_store_t *store)
{
    DIR            *dir;
    char            path[IMGP_PATH_MAX];
    imgp_uint_t     n;
    struct dirent  *entry;

    imgp_store_path(store, "dead", "", 0, path);

    dir = opendir(path);
    if (dir == NULL) {
        return 0;
    }

    n = 0;

    while ((entry = readdir(dir)) != NULL) {
        n += (entry->d_name[0] != '.');
    }

    closedir(dir);

    return n;
}
