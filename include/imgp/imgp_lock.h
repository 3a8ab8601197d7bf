
/*
 * The right to take a name of the store away, or to change what it stands
 * for: flock(2) on its directory, over all threads and processes; the kernel
 * drops it with its holder.
 *
 * New names need no lock: link(2) gives them to one.  But who removes a name
 * after a look at its file, and who puts another file in its place, holds the
 * lock from the look to the end; who only makes a file look used shares it.
 *
 * For src/store alone.  As with system calls -1 says that it failed, and errno
 * why: ENOENT, there is no such file, or no such directory.  The lock is held
 * for a few system calls, and may block for as long.
 */


#ifndef _IMGP_LOCK_H_INCLUDED_
#define _IMGP_LOCK_H_INCLUDED_


#include <imgp/imgp_types.h>


/* alone, the directory of a path: a descriptor, to be closed, or -1 */

int imgp_lock(const char *path);

/* rename(2) under the lock of the new name */

int imgp_lock_rename(const char *old, const char *path);

/* a new mtime; after it nobody removes the file who looked before it */

int imgp_lock_renew(const char *path);


#endif /* _IMGP_LOCK_H_INCLUDED_ */
