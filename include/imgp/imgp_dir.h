
/*
 * The directories of the store, and what an fsync() of them promises: that the
 * names in them outlive a loss of power.  For src/store alone; calls block.
 */


#ifndef _IMGP_DIR_H_INCLUDED_
#define _IMGP_DIR_H_INCLUDED_


#include <imgp/imgp_store.h>


/* the mode of a file whose name could not be synced */

#define IMGP_DIR_DOUBTED  0400


/* the directory of a path, IMGP_PATH_MAX; 0: none, or too long */

imgp_uint_t imgp_dir_of(const char *path, char *dir);

/* makes the directory of a path, if its parent is there */

imgp_int_t imgp_dir_make(const char *path, imgp_uint_t sync,
    imgp_store_error_t *err);

/* the directory of a path: its names are on the disk */

imgp_int_t imgp_dir_sync(const char *path, imgp_store_error_t *err);

/*
 * That of a file which others may rely on, too.  The kernel tells of a write
 * that failed once: the next fsync() succeeds, though the name may be lost.
 * So the file, which others may use already, stays, but is marked: who
 * would rely on it next, imgp_file_touch(), does not know it, and it is
 * written again.
 */

imgp_int_t imgp_dir_sync_shared(const char *path, imgp_store_error_t *err);


#endif /* _IMGP_DIR_H_INCLUDED_ */
