
/*
 * Huffman's codes with a limit.  Called by imgp_block_write.c for each block
 * of deflated data and by imgp_jpeg_table.c; any thread, all memory is the
 * stack's.
 *
 * The tree is built from two queues (J. van Leeuwen, 1976): the symbols in the
 * order of their counts, and the nodes, which come into being in that order by
 * themselves.  Codes that became too long are cut to the limit, and the sum of
 * Kraft's inequality is put right by making the longest of the shorter codes
 * longer: at most a fraction of a percent is lost, and only in blocks whose
 * counts grow like Fibonacci's numbers.
 */


#include <imgp/imgp_huffman.h>


#define IMGP_HUFFMAN_NODES  (2 * IMGP_HUFFMAN_SYMBOLS)


typedef struct {
    uint32_t       count[IMGP_HUFFMAN_NODES];
    uint16_t       parent[IMGP_HUFFMAN_NODES];
    uint16_t       symbol[IMGP_HUFFMAN_SYMBOLS];      /* rarest first */
    uint32_t       n;                                 /* of symbols */
} imgp_huffman_tree_t;


static void imgp_huffman_sort(imgp_huffman_tree_t *tree,
    const uint32_t *counts, uint32_t n);
static void imgp_huffman_join(imgp_huffman_tree_t *tree);
static void imgp_huffman_levels(const imgp_huffman_tree_t *tree,
    uint32_t max, uint32_t *levels);
static void imgp_huffman_limit(uint32_t *levels, uint32_t max);


void
imgp_huffman_lengths(const uint32_t *counts, uint32_t n, uint32_t max,
    u_char *lengths)
{
    uint32_t             i, len, levels[IMGP_HUFFMAN_BITS + 1];
    imgp_huffman_tree_t  tree;

    memset(lengths, 0, n);

    imgp_huffman_sort(&tree, counts, n);

    if (tree.n <= 1) {
        lengths[tree.n ? tree.symbol[0] : 0] = 1;
        return;
    }

    imgp_huffman_join(&tree);
    imgp_huffman_levels(&tree, max, levels);
    imgp_huffman_limit(levels, max);

    for (i = 0, len = max; i < tree.n; i++) {

        while (levels[len] == 0) {
            len--;
        }

        lengths[tree.symbol[i]] = len;
        levels[len]--;
    }
}


/* Shell's: there are few symbols, and no memory to ask for */

static void
imgp_huffman_sort(imgp_huffman_tree_t *tree, const uint32_t *counts,
    uint32_t n)
{
    uint32_t  i, j, gap, symbol;

    tree->n = 0;

    for (i = 0; i < n; i++) {
        if (counts[i] != 0) {
            tree->symbol[tree->n++] = i;
        }
    }

    for (gap = tree->n / 2; gap > 0; gap /= 2) {

        for (i = gap; i < tree->n; i++) {
            symbol = tree->symbol[i];

            for (j = i; j >= gap; j -= gap) {

                if (counts[tree->symbol[j - gap]] <= counts[symbol]) {
                    break;
                }

                tree->symbol[j] = tree->symbol[j - gap];
            }

            tree->symbol[j] = symbol;
        }
    }

    for (i = 0; i < tree->n; i++) {
        tree->count[i] = counts[tree->symbol[i]];
    }
}


static void
imgp_huffman_join(imgp_huffman_tree_t *tree)
{
    uint32_t  i, leaf, node, next, child;

    leaf = 0;
    node = tree->n;

    for (next = tree->n; next < 2 * tree->n - 1; next++) {
        tree->count[next] = 0;

        for (i = 0; i < 2; i++) {

            if (leaf < tree->n
                && (node == next || tree->count[leaf] <= tree->count[node]))
            {
                child = leaf++;

            } else {
                child = node++;
            }

            tree->count[next] += tree->count[child];
            tree->parent[child] = next;
        }
    }
}


/* how many codes there are of each length, those past the limit within it */

static void
imgp_huffman_levels(const imgp_huffman_tree_t *tree, uint32_t max,
    uint32_t *levels)
{
    uint32_t  i, root;
    uint16_t  depth[IMGP_HUFFMAN_NODES];

    memset(levels, 0, (IMGP_HUFFMAN_BITS + 1) * sizeof(uint32_t));

    root = 2 * tree->n - 2;
    depth[root] = 0;

    for (i = root; i-- > 0; /* void */) {
        depth[i] = depth[tree->parent[i]] + 1;

        if (i < tree->n) {
            levels[imgp_min(depth[i], max)]++;
        }
    }
}


static void
imgp_huffman_limit(uint32_t *levels, uint32_t max)
{
    uint32_t  i, sum;

    for (i = 1, sum = 0; i <= max; i++) {
        sum += levels[i] << (max - i);
    }

    /* one of the longest goes up beside one that is made longer */

    for ( /* void */ ; sum > (uint32_t) 1 << max; sum--) {

        for (i = max - 1; levels[i] == 0; i--) { /* void */ }

        levels[i]--;
        levels[i + 1] += 2;
        levels[max]--;
    }
}


void
imgp_huffman_codes(const u_char *lengths, uint32_t n, uint16_t *codes)
{
    uint32_t  i, j, code, next[IMGP_HUFFMAN_BITS + 2];

    memset(next, 0, sizeof(next));

    for (i = 0; i < n; i++) {
        next[lengths[i] + 1] += (lengths[i] != 0);
    }

    for (i = 1; i <= IMGP_HUFFMAN_BITS; i++) {
        next[i] = (next[i] + next[i - 1]) << 1;
    }

    for (i = 0; i < n; i++) {
        codes[i] = 0;

        if (lengths[i] == 0) {
            continue;
        }

        code = next[lengths[i]]++;

        for (j = 0; j < lengths[i]; j++) {
            codes[i] = codes[i] << 1 | (code >> j & 1);
        }
    }
}
