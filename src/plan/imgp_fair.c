
/*
 * Fair queues over arrays.
 *
 *     queue -> level -> ring of groups -> list of elements
 *
 * A group is what one owner has waiting in one lane of one level; it exists as
 * long as that is anything.  The ring's head is whose turn it is: whoever is
 * served goes to the ring's end, and who comes new enters there, so between
 * two turns of an owner every other one has had one (round robin, as in
 * RFC 970).
 *
 * Called in the event loop of workers, under the lock of the zone in which
 * the arrays lie; after a death in that lock everything is made anew.
 */


#include <imgp/imgp_fair.h>


#define IMGP_FAIR_MIX  0x9e3779b1     /* 2^32 / golden ratio */


static imgp_fair_link_t *imgp_fair_link(const imgp_fair_t *fair, uint32_t i);
static uint32_t *imgp_fair_bucket(const imgp_fair_t *fair,
    const imgp_fair_key_t *key);
static uint32_t imgp_fair_find(const imgp_fair_t *fair,
    const imgp_fair_key_t *key);
static uint32_t imgp_fair_create(const imgp_fair_t *fair,
    imgp_fair_queue_t *queue, const imgp_fair_key_t *key);
static void imgp_fair_destroy(const imgp_fair_t *fair,
    imgp_fair_queue_t *queue, uint32_t g);
static void imgp_fair_enter(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t g);
static void imgp_fair_leave(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t g);
static uint32_t imgp_fair_level(const imgp_fair_t *fair,
    const imgp_fair_queue_t *queue, uint32_t level);


void
imgp_fair_init(const imgp_fair_t *fair)
{
    uint32_t  i;

    fair->heap->free = IMGP_FAIR_NONE;
    fair->heap->used = 0;

    for (i = 0; i < fair->nhash; i++) {
        fair->hash[i] = IMGP_FAIR_NONE;
    }
}


void
imgp_fair_reset(imgp_fair_queue_t *queue)
{
    uint32_t  level;

    queue->count = 0;

    for (level = 0; level < IMGP_FAIR_LEVELS; level++) {
        queue->rings[level] = IMGP_FAIR_NONE;
    }
}


void
imgp_fair_push(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    const imgp_fair_key_t *key, uint32_t i, imgp_uint_t front)
{
    uint32_t            g;
    imgp_fair_link_t   *link;
    imgp_fair_group_t  *group;

    g = imgp_fair_find(fair, key);

    if (g == IMGP_FAIR_NONE) {
        g = imgp_fair_create(fair, queue, key);
    }

    group = &fair->groups[g];

    link = imgp_fair_link(fair, i);
    link->group = g;
    link->prev = front ? IMGP_FAIR_NONE : group->tail;
    link->next = front ? group->head : IMGP_FAIR_NONE;

    if (link->prev == IMGP_FAIR_NONE) {
        group->head = i;

    } else {
        imgp_fair_link(fair, link->prev)->next = i;
    }

    if (link->next == IMGP_FAIR_NONE) {
        group->tail = i;

    } else {
        imgp_fair_link(fair, link->next)->prev = i;
    }

    group->count++;
    queue->count++;
}


void
imgp_fair_remove(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t i)
{
    imgp_fair_link_t   *link;
    imgp_fair_group_t  *group;

    link = imgp_fair_link(fair, i);
    group = &fair->groups[link->group];

    if (link->prev == IMGP_FAIR_NONE) {
        group->head = link->next;

    } else {
        imgp_fair_link(fair, link->prev)->next = link->next;
    }

    if (link->next == IMGP_FAIR_NONE) {
        group->tail = link->prev;

    } else {
        imgp_fair_link(fair, link->next)->prev = link->prev;
    }

    queue->count--;

    if (--group->count == 0) {
        imgp_fair_destroy(fair, queue, link->group);
    }
}


void
imgp_fair_take(const imgp_fair_t *fair, imgp_fair_queue_t *queue, uint32_t i)
{
    uint32_t  g;

    g = imgp_fair_link(fair, i)->group;

    if (fair->groups[g].count > 1) {
        imgp_fair_leave(fair, queue, g);
        imgp_fair_enter(fair, queue, g);
    }

    imgp_fair_remove(fair, queue, i);
}


uint32_t
imgp_fair_first(const imgp_fair_queue_t *queue, const imgp_fair_t *fair)
{
    return imgp_fair_level(fair, queue, 0);
}


/* the first of this level, or of the next one that has any */

static uint32_t
imgp_fair_level(const imgp_fair_t *fair, const imgp_fair_queue_t *queue,
    uint32_t level)
{
    for ( /* void */ ; level < IMGP_FAIR_LEVELS; level++) {

        if (queue->rings[level] != IMGP_FAIR_NONE) {
            return fair->groups[queue->rings[level]].head;
        }
    }

    return IMGP_FAIR_NONE;
}


uint32_t
imgp_fair_next(const imgp_fair_t *fair, const imgp_fair_queue_t *queue,
    uint32_t i)
{
    uint32_t  next;

    next = imgp_fair_link(fair, i)->next;

    return next != IMGP_FAIR_NONE ? next : imgp_fair_skip(fair, queue, i);
}


uint32_t
imgp_fair_skip(const imgp_fair_t *fair, const imgp_fair_queue_t *queue,
    uint32_t i)
{
    imgp_fair_group_t  *group;

    group = &fair->groups[imgp_fair_link(fair, i)->group];

    if (group->next != queue->rings[group->level]) {
        return fair->groups[group->next].head;
    }

    return imgp_fair_level(fair, queue, group->level + 1);
}


uint32_t
imgp_fair_owned(const imgp_fair_t *fair, const imgp_fair_key_t *key)
{
    uint32_t         g, n;
    imgp_fair_key_t  k;

    k = *key;
    n = 0;

    for (k.level = 0; k.level < IMGP_FAIR_LEVELS; k.level++) {
        g = imgp_fair_find(fair, &k);
        n += g == IMGP_FAIR_NONE ? 0 : fair->groups[g].count;
    }

    return n;
}


/* the n-th of its group is served in the n-th round */

int64_t
imgp_fair_position(const imgp_fair_t *fair, const imgp_fair_queue_t *queue,
    uint32_t i, uint32_t max)
{
    int64_t             before;
    uint32_t            g, mine, round, level, steps;
    imgp_fair_link_t   *link;

    link = imgp_fair_link(fair, i);
    mine = link->group;
    steps = 0;

    for (round = 1; link->prev != IMGP_FAIR_NONE; round++) {

        if (++steps > max) {
            return IMGP_DECLINED;
        }

        link = imgp_fair_link(fair, link->prev);
    }

    before = 0;

    for (level = 0; level <= fair->groups[mine].level; level++) {
        g = queue->rings[level];

        if (g == IMGP_FAIR_NONE) {
            continue;
        }

        do {
            if (++steps > max) {
                return IMGP_DECLINED;
            }

            if (level < fair->groups[mine].level) {
                before += fair->groups[g].count;

            } else if (g == mine) {
                /* behind it in the ring is one round less */
                before += round--;

            } else {
                before += imgp_min(fair->groups[g].count, round);
            }

            g = fair->groups[g].next;

        } while (g != queue->rings[level]);
    }

    return before;
}


static imgp_fair_link_t *
imgp_fair_link(const imgp_fair_t *fair, uint32_t i)
{
    return (imgp_fair_link_t *) (void *) (fair->links + i * fair->size);
}


/* owners are digests: random by themselves, but for nobody */

static uint32_t *
imgp_fair_bucket(const imgp_fair_t *fair, const imgp_fair_key_t *key)
{
    uint32_t  n;

    memcpy(&n, key->owner, sizeof(uint32_t));

    n ^= (key->queue * 31 + key->lane) * IMGP_FAIR_MIX;
    n += key->level;

    return &fair->hash[(n ^ n >> 16) & (fair->nhash - 1)];
}


static uint32_t
imgp_fair_find(const imgp_fair_t *fair, const imgp_fair_key_t *key)
{
    uint32_t            g;
    imgp_fair_group_t  *group;

    for (g = *imgp_fair_bucket(fair, key);
         g != IMGP_FAIR_NONE;
         g = group->chain)
    {
        group = &fair->groups[g];

        if (group->queue == key->queue
            && group->lane == key->lane
            && group->level == key->level
            && memcmp(group->owner, key->owner, IMGP_OWNER_LEN) == 0)
        {
            break;
        }
    }

    return g;
}


/* there are as many groups as elements, so one is free */

static uint32_t
imgp_fair_create(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    const imgp_fair_key_t *key)
{
    uint32_t            g, *bucket;
    imgp_fair_group_t  *group;

    g = fair->heap->free;

    if (g == IMGP_FAIR_NONE) {
        g = fair->heap->used++;

    } else {
        fair->heap->free = fair->groups[g].next;
    }

    group = &fair->groups[g];
    bucket = imgp_fair_bucket(fair, key);

    memcpy(group->owner, key->owner, IMGP_OWNER_LEN);
    group->queue = key->queue;
    group->lane = key->lane;
    group->level = key->level;
    group->head = IMGP_FAIR_NONE;
    group->tail = IMGP_FAIR_NONE;
    group->count = 0;
    group->chain = *bucket;
    *bucket = g;

    imgp_fair_enter(fair, queue, g);

    return g;
}


static void
imgp_fair_destroy(const imgp_fair_t *fair, imgp_fair_queue_t *queue,
    uint32_t g)
{
    uint32_t           *index;
    imgp_fair_key_t     key;
    imgp_fair_group_t  *group;

    group = &fair->groups[g];

    key.owner = group->owner;
    key.queue = group->queue;
    key.lane = group->lane;
    key.level = group->level;

    for (index = imgp_fair_bucket(fair, &key);
         *index != g;
         index = &fair->groups[*index].chain)
    {
        /* void */
    }

    *index = group->chain;

    imgp_fair_leave(fair, queue, g);

    group->next = fair->heap->free;
    fair->heap->free = g;
}


/* the end of the ring is before its head */

static void
imgp_fair_enter(const imgp_fair_t *fair, imgp_fair_queue_t *queue, uint32_t g)
{
    uint32_t           *ring;
    imgp_fair_group_t  *group, *head;

    group = &fair->groups[g];
    ring = &queue->rings[group->level];

    if (*ring == IMGP_FAIR_NONE) {
        *ring = group->prev = group->next = g;
        return;
    }

    head = &fair->groups[*ring];

    group->prev = head->prev;
    group->next = *ring;
    fair->groups[head->prev].next = g;
    head->prev = g;
}


static void
imgp_fair_leave(const imgp_fair_t *fair, imgp_fair_queue_t *queue, uint32_t g)
{
    uint32_t           *ring;
    imgp_fair_group_t  *group;

    group = &fair->groups[g];
    ring = &queue->rings[group->level];

    if (group->next == g) {
        *ring = IMGP_FAIR_NONE;
        return;
    }

    fair->groups[group->prev].next = group->next;
    fair->groups[group->next].prev = group->prev;

    if (*ring == g) {
        *ring = group->next;
    }
}
