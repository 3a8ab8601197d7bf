
/*
 * Fair queues: turns of owners, levels, lanes, and random use beside a model
 * that is slow and plain.
 */


#include "imgp_test.h"
#include <imgp/imgp_fair.h>


#define MAX     64
#define HASH    16
#define ROUNDS  200000


typedef struct {
    uint32_t          before;
    imgp_fair_link_t  link;
    uint32_t          waits;
    uint32_t          owner;
    uint32_t          level;
    uint64_t          since;
} element_t;


static element_t          elements[MAX];
static imgp_fair_heap_t   heap;
static imgp_fair_group_t  groups[MAX];
static uint32_t           hash[HASH];
static imgp_fair_queue_t  queue, other;

static imgp_fair_t  fair = {
    &heap, groups, MAX, hash, HASH, (u_char *) &elements[0].link,
    sizeof(element_t)
};


static imgp_fair_key_t
key_of(uint32_t owner, uint32_t level)
{
    static u_char    names[8][IMGP_OWNER_LEN];
    imgp_fair_key_t  key;

    memset(names[owner], (int) owner * 37, IMGP_OWNER_LEN);

    key.owner = names[owner];
    key.queue = 3;
    key.lane = 0;
    key.level = level;

    return key;
}


static void
begin(void)
{
    memset(elements, 0, sizeof(elements));
    imgp_fair_init(&fair);
    imgp_fair_reset(&queue);
    imgp_fair_reset(&other);
}


static void
push(uint32_t owner, uint32_t level, uint32_t i)
{
    imgp_fair_key_t  key;

    key = key_of(owner, level);
    imgp_fair_push(&fair, &queue, &key, i, 0);
}


static const char *
serve(uint32_t n)
{
    static char  text[512];
    char        *p;
    uint32_t     i;

    for (p = text, *p = '\0'; n-- > 0; /* void */) {
        i = imgp_fair_first(&queue, &fair);

        if (i == IMGP_FAIR_NONE) {
            p += sprintf(p, "- ");
            continue;
        }

        imgp_fair_take(&fair, &queue, i);
        p += sprintf(p, "%u ", i);
    }

    return text;
}


static void
test_turns(void)
{
    uint32_t         i;
    imgp_fair_key_t  key;

    begin();

    for (i = 0; i < 6; i++) {
        push(1, 1, i);
    }

    push(2, 1, 10);
    push(3, 1, 20);
    push(3, 1, 21);

    is_int(imgp_fair_position(&fair, &queue, 5, 100), 9, "the last of all");
    is_int(imgp_fair_position(&fair, &queue, 10, 100), 2,
           "one of another owner");
    is_int(imgp_fair_position(&fair, &queue, 21, 100), 5, "its second");
    is_int(imgp_fair_position(&fair, &queue, 5, 6), IMGP_DECLINED,
           "too far behind to count");

    key = key_of(1, 0);
    is_int(imgp_fair_owned(&fair, &key), 6, "what an owner has");
    key = key_of(4, 0);
    is_int(imgp_fair_owned(&fair, &key), 0, "... and one that has nothing");

    is_str(serve(10), "0 10 20 1 21 2 3 4 5 - ", "owners take turns");
    is_int(queue.count, 0, "... until all were served");
}


static void
test_levels(void)
{
    imgp_fair_key_t  key;

    begin();
    push(1, 2, 0);
    push(1, 1, 1);
    push(2, 0, 2);
    push(1, 0, 3);

    is_int(imgp_fair_position(&fair, &queue, 0, 100), 4,
           "the lowest is the last");
    key = key_of(1, 0);
    is_int(imgp_fair_owned(&fair, &key), 3, "an owner's of all levels");

    key = key_of(2, 0);
    imgp_fair_push(&fair, &queue, &key, 4, 1);

    is_str(serve(5), "4 3 2 1 0 ", "levels, and one before its owner's own");
}


static void
test_skip(void)
{
    uint32_t         i;
    imgp_fair_key_t  key;

    begin();
    push(1, 1, 0);
    push(1, 1, 1);
    push(2, 1, 2);
    push(1, 2, 3);

    i = imgp_fair_first(&queue, &fair);
    is_int(imgp_fair_next(&fair, &queue, i), 1, "the next of the same owner");
    i = imgp_fair_skip(&fair, &queue, i);
    is_int(i, 2, "the next owner");
    i = imgp_fair_next(&fair, &queue, i);
    is_int(i, 3, "the next level");
    is_int(imgp_fair_skip(&fair, &queue, i), IMGP_FAIR_NONE, "the end");

    key = key_of(1, 1);
    key.lane = 7;
    imgp_fair_push(&fair, &queue, &key, 5, 0);
    key.queue = 4;
    imgp_fair_push(&fair, &other, &key, 6, 0);
    is_int(imgp_fair_owned(&fair, &key), 1, "lanes and queues are apart");

    imgp_fair_take(&fair, &queue, 2);
    imgp_fair_remove(&fair, &queue, 0);
    is_str(serve(4), "1 5 3 - ", "one that was passed by keeps its turn");
    is_int(other.count, 1, "another queue is not touched");
}


/* nobody of the same owner and level is older, and no level is higher */

static imgp_uint_t
right(uint32_t first)
{
    uint32_t  i;

    for (i = 0; i < MAX; i++) {

        if (elements[i].waits
            && (elements[i].level < elements[first].level
                || (elements[i].level == elements[first].level
                    && elements[i].owner == elements[first].owner
                    && elements[i].since < elements[first].since)))
        {
            return 0;
        }
    }

    return 1;
}


/* within a level no owner is served twice while another one waits */

static void
test_random(void)
{
    uint32_t  i, n, last[8], wrong, count;
    uint64_t  clock;

    begin();
    memset(last, 0, sizeof(last));
    srandom(7);

    for (clock = 1, wrong = count = 0; clock < ROUNDS; clock++) {
        i = (uint32_t) random() % MAX;

        if (!elements[i].waits) {
            elements[i].waits = 1;
            elements[i].owner = (uint32_t) random() % 8;
            elements[i].level = (uint32_t) random() % 3;
            elements[i].since = clock;
            push(elements[i].owner, elements[i].level, i);
            count++;
            continue;
        }

        if (random() % 4 == 0) {
            imgp_fair_remove(&fair, &queue, i);

        } else {
            i = imgp_fair_first(&queue, &fair);
            wrong += i == IMGP_FAIR_NONE || !right(i)
                     || imgp_fair_position(&fair, &queue, i, MAX) != 1;

            imgp_fair_take(&fair, &queue, i);
        }

        elements[i].waits = 0;
        count--;
        wrong += queue.count != count;
    }

    for (n = 0; (i = imgp_fair_first(&queue, &fair)) != IMGP_FAIR_NONE; n++) {
        imgp_fair_take(&fair, &queue, i);
    }

    is_int(wrong, 0, "random use");
    is_int(n, count, "... all of them come out");
    ok(heap.used <= MAX, "... with no more groups than elements");
}


static void
test_bounds(void)
{
    uint32_t  turn, round, served[8], i;

    begin();
    memset(served, 0, sizeof(served));

    for (i = 0; i < 57; i++) {
        push(0, 1, i);
    }

    for (i = 1; i < 8; i++) {
        push(i, 1, 56 + i);
    }

    for (turn = 0, round = 0; turn < 8; turn++) {
        i = imgp_fair_first(&queue, &fair);
        imgp_fair_take(&fair, &queue, i);
        round |= 1u << (i < 57 ? 0 : i - 56);
    }

    is_int(round, 0xff, "57 of one owner hold up nobody's one");
}


int
main(void)
{
    test_turns();
    test_levels();
    test_skip();
    test_random();
    test_bounds();

    return done();
}
