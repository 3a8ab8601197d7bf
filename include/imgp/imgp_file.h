
/*
 * Files that appear whole or not at all: written in tmp/, fsync'ed, renamed.
 * For src/store alone.  Every call may block.
 */


#ifndef _IMGP_FILE_H_INCLUDED_
#define _IMGP_FILE_H_INCLUDED_


#include <imgp/imgp_store.h>


#define IMGP_FILE_RENEW  30           /* seconds: mtimes are not exacter */
#define IMGP_FILE_BLOCK  4096         /* what room on disk is counted in */


/* bytes of room that a file takes */

#define imgp_file_room(size)                                                  \
    (((uint64_t) (size) + IMGP_FILE_BLOCK - 1) & ~(uint64_t) (IMGP_FILE_BLOCK \
                                                              - 1))


/* a new file: descriptor, or -1.  Its name in tmp/, or "" for none. */

int imgp_file_create(const imgp_store_t *store, char *tmp,
    imgp_store_error_t *err);

/* can files get their first name when they are whole?  Sets store->unnamed. */

imgp_uint_t imgp_file_unnamed(imgp_store_t *store);

imgp_int_t imgp_file_write(int fd, const void *p, size_t len,
    imgp_store_error_t *err);
imgp_int_t imgp_file_fsync(int fd, imgp_store_error_t *err);

typedef struct {
    int                fd;
    imgp_uint_t        shared;        /* others may use the file that has the
                                         name now, see imgp_lock.h */
    char               tmp[IMGP_PATH_MAX];
    char               path[IMGP_PATH_MAX];
} imgp_file_t;


/* create and write; "path" is for the caller to set */

imgp_int_t imgp_file_begin(const imgp_store_t *store, imgp_file_t *file,
    const void *p, size_t len, imgp_store_error_t *err);

/*
 * Closes the files in any case.  With "sync" the bytes of all are on the disk
 * before the first gets its name, and the names are when IMGP_OK is returned:
 * two files so cost little more time than one.  On IMGP_ERROR those in tmp/ are
 * gone; each "path" is what it was, or new and whole.
 */

imgp_int_t imgp_file_commit(const imgp_store_t *store, imgp_file_t *files,
    imgp_uint_t n, imgp_uint_t sync, imgp_store_error_t *err);
void imgp_file_abort(int fd, const char *tmp);

/* a blob's file, if it is new: how many (0, 1); the blob is done with it */

imgp_uint_t imgp_blob_give(imgp_blob_t *b, imgp_file_t *file,
    uint64_t *added);

/* create, write, commit one */

imgp_int_t imgp_file_put(const imgp_store_t *store, const char *path,
    const void *p, size_t len, imgp_uint_t sync, imgp_store_error_t *err);

/* DECLINED: not there; larger than "max": read as empty, which no file of the
   store is */

imgp_int_t imgp_file_read(const char *path, size_t max, imgp_pool_t *pool,
    imgp_str_t *content, imgp_store_error_t *err);

/* IMGP_OK: gone; IMGP_DECLINED: was not there */

imgp_int_t imgp_file_remove(const char *path, imgp_store_error_t *err);

/* "size" bytes and known, with its mtime renewed if that is old; *age in
   seconds as it was before; DECLINED: not there, of
   another size, or marked by imgp_dir_sync_shared() */

imgp_int_t imgp_file_touch(const char *path, uint64_t size, int64_t *age,
    imgp_store_error_t *err);

/* fills "err" from errno and returns IMGP_ERROR */

imgp_int_t imgp_file_error(imgp_store_error_t *err, const char *call);


#endif /* _IMGP_FILE_H_INCLUDED_ */
