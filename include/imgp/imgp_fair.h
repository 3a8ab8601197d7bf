
/*
 * Fair queues: whoever waits in one is served by level, and within a level the
 * owners take turns, each with the oldest of what is its own.  Plain data and
 * pure functions over arrays that may lie in shared memory: indexes in place
 * of pointers, every operation in constant time but for what is said.
 *
 * Those who wait are elements of an array of the caller's, each with a link
 * in it; an element is in one queue at most.
 */


#ifndef _IMGP_FAIR_H_INCLUDED_
#define _IMGP_FAIR_H_INCLUDED_


#include <imgp/imgp_job.h>


#define IMGP_FAIR_LEVELS  IMGP_PRIORITIES
#define IMGP_FAIR_NONE    0xffffffff


/* in an element */

typedef struct {
    uint32_t           prev;
    uint32_t           next;
    uint32_t           group;
} imgp_fair_link_t;


/* what makes a group: one owner's, in one lane of one level of one queue */

typedef struct {
    const u_char      *owner;         /* IMGP_OWNER_LEN bytes */
    uint32_t           queue;         /* its number */
    uint32_t           lane;
    uint32_t           level;         /* imgp_priority_e */
} imgp_fair_key_t;


typedef struct {
    u_char             owner[IMGP_OWNER_LEN];
    uint32_t           queue;
    uint32_t           lane;
    uint32_t           level;
    uint32_t           head;
    uint32_t           tail;
    uint32_t           count;
    uint32_t           prev;          /* of the ring of its level */
    uint32_t           next;          /* ... or of the free ones */
    uint32_t           chain;         /* of its hash */
} imgp_fair_group_t;


typedef struct {
    uint32_t           count;
    uint32_t           rings[IMGP_FAIR_LEVELS];   /* whose turn it is */
} imgp_fair_queue_t;


/* of all queues over one array of elements */

typedef struct {
    uint32_t           free;
    uint32_t           used;          /* groups that were ever used */
} imgp_fair_heap_t;


typedef struct {
    imgp_fair_heap_t  *heap;
    imgp_fair_group_t *groups;        /* "max" of them: as many as elements */
    uint32_t           max;
    uint32_t          *hash;          /* "nhash", a power of 2 */
    uint32_t           nhash;
    u_char            *links;         /* the link in the first element */
    size_t             size;          /* of an element */
} imgp_fair_t;


/* forgets all groups: then each queue over them is to be reset, too */

void imgp_fair_init(const imgp_fair_t *fair);
void imgp_fair_reset(imgp_fair_queue_t *queue);

/* behind, or before, what is its owner's own */

void imgp_fair_push(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    const imgp_fair_key_t *key, uint32_t i, imgp_uint_t front);

/* it waits no more; take: for its turn came, then it is its owner's last for
   this round */

void imgp_fair_remove(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t i);
void imgp_fair_take(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t i);

/* whose turn it is, who would be looked at after it, and who if none of its
   group can be served; or IMGP_FAIR_NONE */

uint32_t imgp_fair_first(const imgp_fair_queue_t *queue,
    const imgp_fair_t *fair);
uint32_t imgp_fair_next(const imgp_fair_t *fair,
    const imgp_fair_queue_t *queue, uint32_t i);
uint32_t imgp_fair_skip(const imgp_fair_t *fair,
    const imgp_fair_queue_t *queue, uint32_t i);

/* how many of an owner wait, in a lane, of all levels */

uint32_t imgp_fair_owned(const imgp_fair_t *fair, const imgp_fair_key_t *key);

/* how many are served before it when nobody comes any more, and 1; or
   IMGP_DECLINED after "max" steps */

int64_t imgp_fair_position(const imgp_fair_t *fair,
    const imgp_fair_queue_t *queue, uint32_t i, uint32_t max);


#endif /* _IMGP_FAIR_H_INCLUDED_ */
